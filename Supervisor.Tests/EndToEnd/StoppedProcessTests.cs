using Supervisor.Tests.Clients;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A process that SIGSTOP has stopped: SIGKILL ends it at once, other signals when it continues. signal(7).</summary>
public sealed class StoppedProcessTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_stopped_container_gets_signals_when_it_continues_and_SIGKILL_at_once()
    {
        foreach (var name in (string[])["a", "b"])
        {
            CommandLine.Ok(await _daemon.Do(
                "run", "-d", "--name", name, "--rootfs", "/", "--",
                "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done"));
            CommandLine.Ok(await _daemon.Do("kill", "-STOP", name));
            await Eventually.IsTrue(async () => await IsStopped(await _daemon.Field(name, "pid")));
        }
        CommandLine.Ok(await _daemon.Do("kill", "-TERM", "a"));
        Assert.Equal("running", await _daemon.Status("a"));
        CommandLine.Ok(await _daemon.Do("kill", "-CONT", "a"));
        Assert.Equal("3", CommandLine.Ok(await _daemon.Do("wait", "a")).Trim());
        CommandLine.Ok(await _daemon.Do("kill", "-9", "b"));
        Assert.Equal("137", CommandLine.Ok(await _daemon.Do("wait", "b")).Trim());
    }

    [Fact]
    public async Task A_stopped_exec_ends_with_its_container()
    {
        CommandLine.Ok(await _daemon.Do("run", "-d", "--name", "a", "--rootfs", "/", "--", "sleep", "1000"));
        using var client = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace,
            "exec", "a", "sh", "-c", "echo up; kill -STOP $$; echo continued");
        Assert.Equal("up", await client.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        CommandLine.Ok(await _daemon.Do("rm", "-f", "a"));
        await client.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.Equal(137, client.ExitCode);
    }

    private static async Task<bool> IsStopped(string pid) =>
        (await File.ReadAllTextAsync($"/proc/{pid}/status")).Contains("T (stopped)", StringComparison.Ordinal);
}
