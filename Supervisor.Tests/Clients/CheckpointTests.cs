using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;

namespace Supervisor.Tests.Clients;

/// <summary>Checkpoint and restore as ctr and docker do it.</summary>
public sealed class CheckpointTests : IAsyncLifetime
{
    private DaemonProcess? _daemon;

    public async Task InitializeAsync() => _daemon = CriuFactAttribute.WhyNot is null ? await DaemonProcess.StartAsync() : null;

    public async Task DisposeAsync()
    {
        if (_daemon is not null) await _daemon.DisposeAsync();
    }

    [CriuFact]
    public Task Ctr_checkpoints_and_restores_as_on_containerd() => ClientScript.PassesAsync("ctr-checkpoint.sh", _daemon!, 12);

    [CriuFact]
    public Task Docker_checkpoints_and_restores_as_on_containerd() =>
        ClientScript.PassesAsync("dockerd-checkpoint.sh", _daemon!, 13);
}
