using Supervisor.Tests.Clients;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>A daemon never ends a container because its journal does not name it, unless the journal is the one that would.</summary>
public sealed class OwnershipTests
{
    [Fact]
    public async Task A_second_daemon_on_the_same_state_directory_leaves_the_firsts_containers_alone()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var pid = await Run(daemon);
        daemon.RootName = "another";
        Assert.Contains("another daemon uses the state directory", await Second(daemon), StringComparison.Ordinal);
        await daemon.KillAsync(); // so that its locks are free
        var refusal = await daemon.RefusesAsync();
        Assert.Contains("holds containers of the root directory with the uuid", refusal, StringComparison.Ordinal);
        Assert.Contains("--adopt", refusal, StringComparison.Ordinal);
        Assert.True(Directory.Exists($"/proc/{pid}"), "the container was ended");
        daemon.RootName = "root";
        await daemon.RestartAsync();
        Assert.Contains("running", OciRuntime.Ok(await daemon.Do("ps")), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Beside the one that runs: of the same directories but the root, and another address.</summary>
    private static async Task<string> Second(DaemonProcess daemon)
    {
        var outcome = await CommandLine.RunAsync(
            CommandLine.Supervisor, "serve", "--address", $"{daemon.Place}/s2", "--root", daemon.Root, "--state", daemon.State);
        Assert.NotEqual(0, outcome.Status);
        return outcome.Errors;
    }

    private static async Task<int> Run(DaemonProcess daemon)
    {
        OciRuntime.Ok(await daemon.Do("run", "-d", "--name", "a", "--rootfs", "/", "--", "sleep", "1000"));
        var pid = OciRuntime.Ok(await daemon.Ctr("tasks", "ls")).Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        Assert.True(Directory.Exists($"/proc/{pid}"));
        return int.Parse(pid);
    }
}
