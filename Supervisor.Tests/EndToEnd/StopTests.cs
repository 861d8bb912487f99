using System.Diagnostics;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>stop, restart, pause and unpause, as docker's.</summary>
public sealed class StopTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("TERM")]
    [InlineData("USR1")]
    public async Task Stop_sends_the_signal_and_waits_for_the_exit(string signal)
    {
        await Run("c", $"trap 'exit 7' {signal}; echo up; while :; do sleep 0.1; done");
        Assert.Equal("c\n", Ok(await _daemon.Do("stop", "-s", signal, "-t", "60", "c")));
        Assert.Equal(("stopped", "7"), (await _daemon.Status("c"), await _daemon.Field("c", "exitStatus")));
    }

    [Fact]
    public async Task Stop_kills_what_ignores_the_signal_once_its_time_is_over()
    {
        await Run("c", "trap '' TERM; echo up; while :; do sleep 0.1; done");
        var began = Stopwatch.GetTimestamp();
        Ok(await _daemon.Do("stop", "-t", "1", "c"));
        Assert.True(Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(1), "it was killed too early");
        Assert.Equal(("stopped", "137"), (await _daemon.Status("c"), await _daemon.Field("c", "exitStatus")));
    }

    [Fact]
    public async Task Each_of_several_is_stopped_and_reported_and_one_that_does_not_run_is_left_alone()
    {
        await Run("a", "echo up; exec sleep 1000");
        await Run("b", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done");
        var stopped = await _daemon.Do("stop", "-t", "1", "a", "none", "b");
        Assert.Equal((125, "a\nb\n"), (stopped.Status, stopped.Output));
        Assert.Contains("none", Assert.Single(stopped.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
        Assert.Equal("a\nb\n", Ok(await _daemon.Do("stop", "a", "b"))); // as docker
    }

    [Fact]
    public async Task Restart_starts_a_new_life_of_the_same_container()
    {
        await Run("c", "trap 'exit 0' TERM; echo up $((2+3)); while :; do sleep 0.1; done");
        var pid = await _daemon.Field("c", "pid");
        Assert.Equal("c\n", Ok(await _daemon.Do("restart", "c")));
        Assert.Equal("running", await _daemon.Status("c"));
        Assert.NotEqual(pid, await _daemon.Field("c", "pid"));
        await Eventually.IsTrue(async () => (await _daemon.Do("logs", "c")).Output == "up 5\nup 5\n"); // the log is continued
        Ok(await _daemon.Do("stop", "c"));
        Ok(await _daemon.Do("restart", "c")); // also of one that does not run
        Assert.Equal("running", await _daemon.Status("c"));
    }

    [Fact]
    public async Task A_paused_container_does_nothing_until_it_is_unpaused_and_can_be_stopped()
    {
        await Run("c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done");
        Assert.Equal("c\n", Ok(await _daemon.Do("pause", "c")));
        Assert.Equal("paused", await _daemon.Status("c"));
        Assert.Equal(125, (await _daemon.Do("pause", "c")).Status);
        Assert.Equal("c\n", Ok(await _daemon.Do("unpause", "c")));
        Assert.Equal("running", await _daemon.Status("c"));
        Ok(await _daemon.Do("pause", "c"));
        Ok(await _daemon.Do("stop", "-t", "60", "c"));
        Assert.Equal(("stopped", "3"), (await _daemon.Status("c"), await _daemon.Field("c", "exitStatus")));
    }

    [Theory]
    [InlineData("-s NONE c", "--signal: \"NONE\" is not a signal")]
    [InlineData("-s 0 c", "--signal: \"0\" is not a signal")]
    [InlineData("-t -2 c", "--timeout: -2 is not a number of seconds")]
    public async Task A_wrong_option_is_named(string line, string flaw)
    {
        var refused = await _daemon.Do(["stop", .. line.Split(' ')]);
        Assert.Equal(125, refused.Status);
        Assert.Contains(flaw, refused.Errors, StringComparison.Ordinal);
    }

    private async Task Run(string id, string script)
    {
        Ok(await _daemon.Do("run", "-d", "--name", id, "--rootfs", "/", "--", "sh", "-c", script));
        await Eventually.IsTrue(async () => (await _daemon.Do("logs", id)).Output.Contains("up", StringComparison.Ordinal));
    }
}
