using System.Diagnostics;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A shim keeps the parents of deleted containers' cgroups for two seconds. None is left behind.</summary>
public sealed class CgroupParentsTests
{
    [Fact]
    public async Task Parents_are_removed_some_seconds_after_their_last_container()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        await RunAndRemove(daemon);
        await Eventually.IsTrue(() => Parents(daemon) == 0);
        Assert.False(File.Exists(Path.Join(daemon.State, "shim/parents")));
    }

    [Theory]
    [InlineData("node")]
    [InlineData("per-container")]
    public async Task Parents_are_removed_when_the_daemon_stops(string shim)
    {
        await using var daemon = await DaemonProcess.StartAsync(shim);
        await RunAndRemove(daemon);
        await daemon.StopAsync();
        Assert.Equal(0, Parents(daemon));
    }

    [Fact]
    public async Task Parents_that_a_killed_shim_kept_are_removed_by_the_next_start()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        await RunAndRemove(daemon);
        var shim = daemon.ShimPid!.Value;
        await Kill("-STOP", shim); // so that it removes nothing any more
        Assert.NotEqual(0, Parents(daemon));
        await daemon.KillAsync();
        await Kill("-KILL", shim);
        await daemon.RestartAsync();
        await Eventually.IsTrue(() => Parents(daemon) == 0);
    }

    private static async Task Kill(string signal, int pid)
    {
        using var kill = await Task.Run(() => Process.Start("kill", [signal, $"{pid}"]));
        await kill.WaitForExitAsync();
    }

    private static async Task RunAndRemove(DaemonProcess daemon)
    {
        CommandLine.Ok(await daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "true"));
        CommandLine.Ok(await daemon.Do("rm", "-f", "c"));
    }

    private static int Parents(DaemonProcess daemon) =>
        ((string[])["/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")])
        .Count(tree => Directory.Exists(Path.Join(tree, daemon.Namespace)));
}
