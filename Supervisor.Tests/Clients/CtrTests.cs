using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>Debian's ctr against this daemon, unchanged.</summary>
public sealed class CtrTests : IAsyncLifetime
{
    private readonly DirectoryInfo _rootfs = Directory.CreateTempSubdirectory("supervisor-ctr-");
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        foreach (var directory in (string[])["bin", "proc", "sys", "dev", "tmp", "run", "etc"])
            _rootfs.CreateSubdirectory(directory);
        ProgramCopy.OfBusybox(Path.Join(_rootfs.FullName, "bin", "busybox"));
        foreach (var applet in (string[])["sh", "echo", "cat", "true", "sleep", "tail", "tty", "pwd", "id"])
            File.CreateSymbolicLink(Path.Join(_rootfs.FullName, "bin", applet), "busybox");
        _daemon = await DaemonProcess.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _daemon.DisposeAsync();
        _rootfs.Delete(recursive: true);
    }

    [Fact]
    public async Task Version_names_a_server_and_its_uuid()
    {
        var version = Ok(await _daemon.Ctr("version"));
        Assert.Contains("Server:", version, StringComparison.Ordinal);
        Assert.Matches("UUID: [0-9a-f-]{36}", version);
    }

    [Fact]
    public async Task Run_prints_and_exits_like_its_program_and_leaves_nothing()
    {
        Assert.Equal("hello\n", Ok(await Run("r1", "/bin/echo", "hello")));
        Assert.Equal(42, (await Run("r2", "/bin/sh", "-c", "exit 42")).Status);
        var apart = await Run("r3", "/bin/sh", "-c", "echo out; echo err >&2");
        Assert.Equal(("out\n", "err\n"), (apart.Output, apart.Errors));
        Assert.Equal("", Ok(await _daemon.Ctr("containers", "ls", "-q")));
        Assert.Equal("", Ok(await _daemon.Ctr("tasks", "ls", "-q")));
    }

    [Fact]
    public async Task Run_with_a_terminal_gives_the_container_one()
    {
        var outcome = await CommandLine.RunAsync("script", "-qec",
            $"ctr -a {_daemon.Address} -n {_daemon.Namespace} run --rm -t --rootfs {_rootfs.FullName} t1 /bin/sh -c 'tty; "
                + "exit 3'", "/dev/null");
        Assert.Equal(3, outcome.Status);
        Assert.Contains("/dev/pts/0", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_program_fails_by_name_and_the_container_can_be_removed()
    {
        var outcome = await Run("r9", "/nonexistent");
        Assert.True(outcome.Status != 0 && outcome.Errors.Contains("/nonexistent", StringComparison.Ordinal), $"{outcome}");
        await _daemon.Ctr("containers", "rm", "r9");
        Assert.Equal("", Ok(await _daemon.Ctr("containers", "ls", "-q")));
    }

    [Fact]
    public async Task A_container_is_created_started_used_and_deleted()
    {
        Ok(await _daemon.Ctr("containers", "create", "--rootfs", _rootfs.FullName, "c1", "/bin/sleep", "1000"));
        Assert.Contains("already exists",
            (await _daemon.Ctr("containers", "create", "--rootfs", _rootfs.FullName, "c1", "/bin/true")).Errors,
            StringComparison.Ordinal);
        Ok(await _daemon.Ctr("containers", "label", "c1", "k=v"));
        Assert.Contains("c1", Ok(await _daemon.Ctr("containers", "ls", "labels.k==v")), StringComparison.Ordinal);
        Assert.DoesNotContain("c1", Ok(await _daemon.Ctr("containers", "ls", "labels.k==w")), StringComparison.Ordinal);
        Ok(await _daemon.Ctr("tasks", "start", "-d", "c1"));
        Assert.Matches(@"c1 +\d+ +RUNNING", Ok(await _daemon.Ctr("tasks", "ls")));
        Assert.NotEqual(0, (await _daemon.Ctr("tasks", "start", "-d", "c1")).Status);
        Assert.NotEqual(0, (await _daemon.Ctr("containers", "rm", "c1")).Status);
        Assert.NotEqual(0, (await _daemon.Ctr("tasks", "rm", "c1")).Status);
        Ok(await _daemon.Ctr("tasks", "pause", "c1"));
        Assert.Matches(@"c1 +\d+ +PAUSED", Ok(await _daemon.Ctr("tasks", "ls")));
        Assert.NotEqual(0, (await _daemon.Ctr("tasks", "pause", "c1")).Status);
        Ok(await _daemon.Ctr("tasks", "resume", "c1"));
        Ok(await _daemon.Ctr("tasks", "kill", "-s", "SIGKILL", "c1"));
        Assert.Equal("137\n", Ok(await _daemon.Do("wait", "c1")));
        Assert.Contains("137", (await _daemon.Ctr("tasks", "rm", "c1")) is var gone
            ? gone.Output + gone.Errors : "", StringComparison.Ordinal);
        Ok(await _daemon.Ctr("tasks", "start", "-d", "c1")); // a stopped container starts again
        Ok(await _daemon.Ctr("tasks", "kill", "-s", "SIGKILL", "c1"));
        Assert.Equal("137\n", Ok(await _daemon.Do("wait", "c1")));
        await _daemon.Ctr("tasks", "rm", "c1");
        Ok(await _daemon.Ctr("containers", "rm", "c1"));
        Assert.Contains("not found", (await _daemon.Ctr("containers", "rm", "c1")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_arrive_in_the_order_that_clients_rely_on()
    {
        using var events = CommandLine.Start("ctr", "-a", _daemon.Address, "events", $"namespace=={_daemon.Namespace}");
        var received = events.StandardOutput.ReadLineAsync();
        for (var i = 0; !received.IsCompleted && i < 100; i++)
        {
            await Run($"warm{i}", "/bin/true");
            await Task.WhenAny(received, Task.Delay(50));
        }
        Assert.Equal(new(2, "", ""), await Run("ev", "/bin/sh", "-c", "exit 2"));
        var topics = new List<string>();
        await received;
        while (topics.LastOrDefault() != "/containers/delete")
        {
            var line = await events.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience);
            if (!line!.Contains("\"ev\"", StringComparison.Ordinal)) continue;
            topics.Add(line.Split(' ').First(w => w.StartsWith('/')));
            if (topics[^1] == "/tasks/exit") Assert.Matches("\"exit_status\": ?2", line);
        }
        events.Kill();
        Assert.Equal(["/containers/create", "/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete",
            "/containers/delete"], topics);
    }

    [Fact]
    public async Task A_malformed_filter_is_refused()
    {
        var outcome = await _daemon.Ctr("containers", "ls", "labels.k=v");
        Assert.NotEqual(0, outcome.Status);
        Assert.Contains("parse", outcome.Errors, StringComparison.Ordinal);
    }

    private Task<CommandLine.Outcome> Run(string id, params string[] command) =>
        _daemon.Ctr(["run", "--rm", "--rootfs", _rootfs.FullName, id, .. command]);
}
