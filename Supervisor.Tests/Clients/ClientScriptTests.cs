using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Clients;

/// <summary>ctr's scripts.</summary>
public sealed class ClientScriptTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("ctr-basic.sh", 105)]
    [InlineData("ctr-images.sh", 59)]
    [InlineData("ctr-events.sh", 22)]
    public Task Every_check_of_the_script_passes(string script, int checks) => ClientScript.PassesAsync(script, _daemon, checks);

    /// <summary>containerd 2's, which leaves images to the daemon's Transfer service.</summary>
    [NewerContainerdTheory]
    [InlineData("ctr-basic.sh", 105)]
    [InlineData("ctr-images.sh", 59)]
    [InlineData("ctr-events.sh", 22)]
    public Task Every_check_of_the_script_passes_with_a_newer_ctr(string script, int checks) =>
        ClientScript.PassesAsync(script, _daemon, checks, $"CTR={NewerContainerdTheoryAttribute.Ctr}");
}
