using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Clients;

/// <summary>A daemon of ours for the dockerd that the scripts start.</summary>
public abstract class DockerdFixture : IAsyncLifetime
{
    protected DaemonProcess Daemon { get; private set; } = null!;

    public async Task InitializeAsync() => Daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync()
    {
        await Daemon.DisposeAsync();
        ClientCgroup.RemoveIfEmpty("docker");
    }
}
