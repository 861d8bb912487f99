using System.Diagnostics;
using System.Text.Json;
using Containerd.Services.Containers.V1;
using Containerd.Services.Snapshots.V1;
using Google.Protobuf.WellKnownTypes;
using Google.Protobuf;
using Grpc.Core;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The daemon and its command line, over the public API, on the real kernel.</summary>
public sealed class DaemonTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_detached_container_runs_is_listed_logged_waited_for_and_removed()
    {
        Assert.Equal("c1\n",
            Ok(await _daemon.Do("run", "-d", "--name", "c1", "--rootfs", "/", "--", "sh", "-c", "echo out; sleep 4; exit 4")));
        Assert.Contains("c1", Ok(await _daemon.Do("ps")), StringComparison.Ordinal);
        Assert.Equal("4\n", Ok(await _daemon.Do("wait", "c1")));
        Assert.Equal("out\n", Ok(await _daemon.Do("logs", "c1")));
        Assert.Equal("stopped", await _daemon.Status("c1"));
        Assert.DoesNotMatch("[0-9]", Ok(await _daemon.Ctr("tasks", "ps", "c1"))); // no process is left, which is an answer
        Ok(await _daemon.Do("rm", "c1"));
        Assert.DoesNotContain("c1", Ok(await _daemon.Do("ps", "-a")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_container_that_cannot_be_created_says_why()
    {
        var refused = await _daemon.Do("run", "-d", "-w", "relative", "--rootfs", "/", "--", "true");
        Assert.Equal(125, refused.Status);
        Assert.Contains("--workdir: \"relative\" is not an absolute path", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_supervisors_own_start_program_is_none_of_the_containers_and_says_so()
    {
        Ok(await _daemon.Do("run", "-d", "--init", "--name", "s", "--rootfs", "/", "--", "sleep", "1000"));
        foreach (var verb in (string[][])[["exec", "s", "/proc/self/exe"], ["exec", "s", "/proc/1/exe"],
            ["run", "--rm", "--rootfs", "/", "--", "/proc/self/exe"]])
        {
            var refused = await _daemon.Do(verb);
            Assert.Equal(126, refused.Status);
            Assert.Contains("the supervisor's own start program", refused.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Sigterm_stops_a_daemon_that_is_still_starting()
    {
        await _daemon.StopAsync();
        await using (var journal = Persistence.Database.Open(Path.Join(_daemon.Root, "journal.db")))
        {
            Persistence.Database.Scalar<string>(journal, "PRAGMA locking_mode=EXCLUSIVE");
            Persistence.Database.Scalar<long>(journal, "SELECT count(*) FROM event_journal");
            _daemon.Begin();
            await Eventually.IsTrue(() => Path.Exists(_daemon.Address));
            await _daemon.StopAsync();
            Assert.Equal(0, _daemon.ExitCode); // and not because the journal could not be read
        }
        await _daemon.RestartAsync();
    }

    [Fact]
    public async Task A_shim_for_another_users_directory_says_whose_it_is()
    {
        var refused = await CommandLine.RunAsync("setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all",
            Path.Join(Repository.Bin, "supervisor-shim"), "serve", "--dir", Directory.CreateDirectory(
                Path.Join(_daemon.Place, "theirs"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)
                .FullName);
        Assert.Equal(64, refused.Status);
        Assert.Matches("--dir: .*(is another user's|is not yours to see)", refused.Errors);
    }

    [Fact]
    public async Task Removing_a_container_removes_its_snapshot()
    {
        using var client = new Supervisor.Cli.Connection.DaemonClient(_daemon.Address, _daemon.Namespace);
        await client.Snapshots.PrepareAsync(new PrepareSnapshotRequest { Snapshotter = "native", Key = "mine" }, client.Call());
        await client.Containers.CreateAsync(new CreateContainerRequest
        {
            Container = new Container
            {
                Id = "s1", Snapshotter = "native", SnapshotKey = "mine",
                Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2" },
                Spec = new Any { Value = ByteString.CopyFromUtf8("{}") },
            },
        }, client.Call());
        Ok(await _daemon.Do("rm", "-f", "s1"));
        var e = await Assert.ThrowsAsync<RpcException>(
            async () => await client.Snapshots.StatAsync(
            new StatSnapshotRequest { Snapshotter = "native", Key = "mine" }, client.Call()));
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
    }

    [Fact]
    public async Task A_paused_container_is_removed_with_force()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "p1", "--rootfs", "/", "--", "sleep", "1000"));
        Ok(await _daemon.Ctr("tasks", "pause", "p1"));
        Ok(await _daemon.Do("rm", "-f", "p1"));
        Assert.DoesNotContain("p1", Ok(await _daemon.Do("ps", "-a")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_on_several_containers_handle_and_report_each()
    {
        foreach (var id in (string[])["s1", "s2"])
            Ok(await _daemon.Do("run", "-d", "--name", id, "--rootfs", "/", "--", "sleep", "1000"));
        var killed = await _daemon.Do("kill", "-9", "nosuch", "s1", "s2");
        Assert.NotEqual(0, killed.Status);
        Assert.Contains("nosuch", Assert.Single(killed.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
        var waited = await _daemon.Do("wait", "s1", "nosuch", "s2");
        Assert.NotEqual(0, waited.Status);
        Assert.Equal("137\n137\n", waited.Output);
        Assert.Contains("nosuch", waited.Errors, StringComparison.Ordinal);
        var removed = await _daemon.Do("rm", "s1", "nosuch", "s2");
        Assert.NotEqual(0, removed.Status);
        Assert.Equal("s1\ns2\n", removed.Output);
    }

    [Fact]
    public async Task A_wait_names_a_missing_container_while_others_run()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "w1", "--rootfs", "/", "--", "sleep", "1000"));
        using var wait = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "wait", "w1", "nosuch");
        Assert.Contains("nosuch", await wait.StandardError.ReadLineAsync().WaitAsync(CommandLine.Patience),
            StringComparison.Ordinal);
        Ok(await _daemon.Do("kill", "-KILL", "w1"));
        Assert.Equal("137\n", await wait.StandardOutput.ReadToEndAsync().WaitAsync(CommandLine.Patience));
        await wait.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        Assert.NotEqual(0, wait.ExitCode);
    }

    [Fact]
    public async Task A_stopped_container_can_be_started_again_by_any_client()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "again", "--rootfs", "/", "--", "sh", "-c", "echo once; exit 3"));
        Assert.Equal("3\n", Ok(await _daemon.Do("wait", "again")));
        Assert.Equal("again\n", Ok(await _daemon.Do("start", "again")));
        Assert.Equal("3\n", Ok(await _daemon.Do("wait", "again")));
        Assert.Equal("once\nonce\n", Ok(await _daemon.Do("logs", "again")));
        await _daemon.Ctr("tasks", "rm", "again"); // its exit code is the task's
        var ctr = await _daemon.Ctr("tasks", "start", "again");
        Assert.Equal((3, "once\n"), (ctr.Status, ctr.Output));
        var missing = await _daemon.Do("start", "again", "nosuch");
        Assert.NotEqual(0, missing.Status);
        Assert.Contains("nosuch", missing.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopped_container_has_no_pid()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "ended", "--rootfs", "/", "--", "true"));
        Ok(await _daemon.Do("wait", "ended"));
        Assert.Matches(@"(?m)^ended +exited \(0\) +- ", Ok(await _daemon.Do("ps", "-a")));
    }

    [Fact]
    public async Task An_out_of_memory_kill_is_reported_by_run_events_and_inspect()
    {
        using var events = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "events", "-f", "--format",
            "json");
        await Marker(events);
        Ok(await _daemon.Do("run", "-d", "--name", "m1", "--memory", "32m", "--rootfs", "/", "--", "tail", "/dev/zero"));
        var topics = new List<string>();
        while (!topics.Contains("/tasks/exit"))
        {
            var line = await events.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience);
            var published = JsonDocument.Parse(line!).RootElement;
            if (published.GetProperty("event").ToString().Contains("\"m1\"", StringComparison.Ordinal))
                topics.Add(published.GetProperty("topic").GetString()!);
        }
        events.Kill();
        Assert.Equal(["/containers/create", "/tasks/create", "/tasks/start", "/tasks/oom", "/tasks/exit"], topics);
        Assert.Contains("\"oomKilled\": true", Ok(await _daemon.Do("inspect", "m1")), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("137\n", Ok(await _daemon.Do("wait", "m1")));
    }

    [Fact]
    public async Task Starting_a_running_container_succeeds()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "runs", "--rootfs", "/", "--", "sleep", "1000"));
        var pid = await _daemon.Field("runs", "pid");
        Assert.Equal("runs\n", Ok(await _daemon.Do("start", "runs")));
        Assert.Equal(pid, await _daemon.Field("runs", "pid"));
    }

    [Fact]
    public async Task An_init_forwards_the_signal_that_stops_a_container_also_after_it_is_started_again()
    {
        Ok(await _daemon.Do("run", "-d", "--init", "--name", "i", "--rootfs", "/", "--", "sleep", "1000"));
        for (var life = 1; life <= 2; life++)
        {
            Assert.Equal("0\n", Ok(await _daemon.Do("exec", "i", "sh", "-c", "grep -q '^init$' /proc/1/comm; echo $?")));
            Ok(await _daemon.Do("kill", "-s", "TERM", "i"));
            Assert.Equal("143\n", Ok(await _daemon.Do("wait", "i")));
            if (life == 1) Ok(await _daemon.Do("start", "i"));
        }
    }

    [Fact]
    public async Task Bad_input_is_refused_by_name_and_leaves_nothing()
    {
        Names(await _daemon.Do("run", "-d", "--name", "a/b", "--rootfs", "/", "--", "true"), "a/b");
        Names(await _daemon.Do("run", "-d", "--name", "..", "--rootfs", "/", "--", "true"), "..");
        Names(await _daemon.Do("run", "-d", "--name", "x", "--rootfs", "/no/such/rootfs", "--", "true"), "/no/such/rootfs");
        Names(await _daemon.Do("kill", "missing"), "missing");
        Names(await _daemon.Do("inspect", "missing"), "missing");
        Ok(await _daemon.Do("run", "-d", "--name", "twice", "--rootfs", "/", "--", "sleep", "1000"));
        Names(await _daemon.Do("run", "-d", "--name", "twice", "--rootfs", "/", "--", "true"), "twice");
        Assert.Equal("running", await _daemon.Status("twice"));
        Assert.Equal(["twice"], Directory.GetDirectories(Path.Join(_daemon.State, "bundles", _daemon.Namespace))
            .Select(Path.GetFileName));
    }

    /// <summary>Publishes events until the subscriber receives one, which shows that it is subscribed.</summary>
    private async Task Marker(Process events)
    {
        var received = events.StandardOutput.ReadLineAsync();
        for (var i = 0; !received.IsCompleted && i < 100; i++)
        {
            Ok(await _daemon.Ctr("namespaces", "create", $"{_daemon.Namespace}m{i}"));
            await Task.WhenAny(received, Task.Delay(200));
        }
        await received.WaitAsync(CommandLine.Patience);
    }

    private static void Names(CommandLine.Outcome outcome, string what)
    {
        Assert.NotEqual(0, outcome.Status);
        Assert.Contains(what, outcome.Errors, StringComparison.Ordinal);
    }
}
