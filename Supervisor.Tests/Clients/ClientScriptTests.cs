using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Clients;

/// <summary>
/// Scripts of a client's view, which pass on containerd 1.6 and 2.1 as they stand (Clients/scripts): every check must pass here
/// too, and there must be as many as there.
/// </summary>
public sealed class ClientScriptTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("ctr-basic.sh", 105)]
    [InlineData("ctr-images.sh", 59)]
    [InlineData("ctr-events.sh", 22)]
    public async Task Every_check_of_the_script_passes(string script, int checks)
    {
        var path = Path.Join(Repository.Root, "Supervisor.Tests", "Clients", "scripts", script);
        using var run = CommandLine.Start("env", $"ADDRESS={_daemon.Address}", "TMO=60", "bash", path);
        run.StandardInput.Close();
        var (output, errors) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(6)); // the script's own is five
        await run.WaitForExitAsync(deadline.Token);
        Assert.True((await output).TrimEnd().EndsWith($"{checks} passed, 0 failed", StringComparison.Ordinal), await output + await errors);
    }
}
