using Containerd.Events;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Tests.Crash;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.ShimService;

/// <summary>The Shim service of a daemon's containers, with the daemon running and killed: it knows what is done there.</summary>
public sealed class DaemonShimServiceTests
{
    [Fact]
    public async Task A_daemons_container_is_driven_by_its_Shim_service_and_the_daemon_knows_it()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        await using var history = new HistoryReader(client);
        var pid = await Create(daemon, client, "c");
        var socket = Socket(daemon, "c");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket));
        await using var shim = new NodeShimClient(socket);
        var life = new ServiceLife(shim, daemon.Place);
        Assert.Equal("CREATED", await shim.Status());
        await shim.Refuses(StatusCode.AlreadyExists, "Create", new { id = "c" });
        await shim.Call("Start");
        await Eventually.IsTrue(async () => await daemon.Status("c") == "running");
        await life.ListsAndKillsProcesses(pid);
        await life.ExecsWithAndWithoutTerminal();
        await shim.Call("Pause");
        await Eventually.IsTrue(async () => await daemon.Status("c") == "paused");
        Assert.Equal("PAUSED", await shim.Status());
        await shim.Call("Resume");
        await Eventually.IsTrue(async () => await daemon.Status("c") == "running");
        var sleeper = await shim.Exec("exec sleep 1000");
        await Eventually.IsTrue(async () => (await Execs(client, "c")).Contains(sleeper));
        await shim.Call("Kill", new { pid = sleeper, signal = 9 });
        Assert.Equal(137u, await shim.Collect(sleeper));
        await shim.Call("Kill", new { signal = 15 });
        Assert.Equal(6u, await client.Wait("c"));
        Assert.Equal(6u, await shim.Collect(pid));
        await shim.Refuses(StatusCode.NotFound, "State"); // its client has collected it; the daemon's task is still there
        Assert.Equal("stopped", await daemon.Status("c"));
        await history.Until(_ => Seen(history, "c").Contains("exit 6"));
        Assert.Equal(["create", "start", "paused", "resumed", "exit 6"], OfInit(Seen(history, "c")));
        string[] begun = ["exec-added", "exec-started"];
        Assert.Equal(
            [.. begun, "exec-exit 137", .. begun, "exec-exit 3", .. begun, "exec-exit 4", .. begun, "exec-exit 137"],
            OfExecs(Seen(history, "c")));
        await client.Remove("c");
        Assert.False(File.Exists(socket));
    }

    [Fact]
    public async Task A_pause_by_the_daemon_is_an_event_of_the_Shim_service()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        var pid = await Create(daemon, client, "c");
        await client.Start("c");
        await using var shim = new NodeShimClient(Socket(daemon, "c"));
        var events = await shim.Events();
        foreach (var _ in (int[])[1, 2])
        {
            CommandLine.Ok(await daemon.Do("pause", "c"));
            Assert.Equal($"PAUSED {pid} 0", await NodeShimClient.Next(events));
            CommandLine.Ok(await daemon.Do("unpause", "c"));
            Assert.Equal("RUNNING", await shim.Status());
        }
        await client.Kill("c");
        Assert.Equal(137u, await client.Wait("c"));
        await client.Remove("c");
    }

    [Theory]
    [InlineData("node")]
    [InlineData("per-container")]
    public async Task A_daemon_that_was_killed_learns_what_its_container_did_meanwhile(string mode)
    {
        await using var daemon = await DaemonProcess.StartAsync(mode);
        using var client = new CrashClient(daemon);
        await using var history = new HistoryReader(client);
        foreach (var id in (string[])["a", "b"]) await Create(daemon, client, id);
        await daemon.KillAsync();
        await using var a = new NodeShimClient(Socket(daemon, "a"));
        await using var b = new NodeShimClient(Socket(daemon, "b"));
        await a.Call("Start");
        await new ServiceLife(a, daemon.Place).PausesAndResumes();
        var (gone, collected, running) = (await a.Exec("exit 7"), await a.Exec("exit 8"), await a.Exec("exec sleep 1000"));
        Assert.Equal(8u, await a.Collect(collected));
        await Eventually.IsTrue(async () => (await a.Find(gone)).GetProperty("status").GetString() == "STOPPED");
        await a.Call("Pause");
        await b.Call("Start");
        await b.Call("Kill", new { signal = 15 });
        await Eventually.IsTrue(async () => await b.Status() == "STOPPED");

        await daemon.RestartAsync();
        Assert.Equal(("paused", "stopped"), (await daemon.Status("a"), await daemon.Status("b")));
        Assert.Equal(6u, await client.Wait("b"));
        await history.Until(_ => Exits(Seen(history, "a")).Count() == 2 && Seen(history, "b").Contains("exit 6"));
        Assert.Equal(["create", "start", "exit 6"], Seen(history, "b"));
        Assert.Equal(["exec-exit 7", "exec-exit 8"], Exits(Seen(history, "a")));
        Assert.Equal(["create", "start", "paused"], OfInit(Seen(history, "a")));
        Assert.Contains(running, await Execs(client, "a"));
        await a.Call("Resume");
        await Eventually.IsTrue(async () => await daemon.Status("a") == "running");
        Assert.Equal(7u, await a.Collect(gone));
        await daemon.KillAsync();
        await a.Call("Kill", new { pid = running, signal = 9 });
        Assert.Equal(137u, await a.Collect(running));
        await daemon.RestartAsync();
        await Eventually.IsTrue(async () => (await Execs(client, "a")).Count == 0);
        // Each once, over two restarts.
        await history.Until(_ => Exits(Seen(history, "a")).Count() >= 3);
        Assert.Equal(["exec-exit 137", "exec-exit 7", "exec-exit 8"], Exits(Seen(history, "a")));
        foreach (var id in (string[])["a", "b"]) await client.Remove(id);
    }

    [Fact]
    public async Task After_a_kill_of_the_shim_the_next_one_serves_the_same_socket()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        await Create(daemon, client, "c");
        await client.Start("c");
        var before = daemon.ShimPid;
        await StormTests.Signal("-KILL", before!.Value);
        await Eventually.IsTrue(() => daemon.ShimPid is { } next && next != before);
        await Eventually.IsTrue(async () =>
        {
            await using var shim = new NodeShimClient(Socket(daemon, "c"));
            try { return await shim.Status() == "RUNNING"; }
            catch (NodeShimClient.RefusedException) { return false; }
        });
        await client.Remove("c");
        Assert.False(File.Exists(Socket(daemon, "c")));
    }

    [Fact]
    public async Task An_upgrade_of_the_shim_keeps_what_its_service_has_started()
    {
        var place = Directory.CreateTempSubdirectory("supervisor-upgrade-");
        try
        {
            var executable = Path.Join(place.FullName, "supervisor-shim");
            foreach (var program in (string[])["supervisor-shim", "supervisor-shim-service"])
                ProgramCopy.Make(Path.Join(Repository.Bin, program), Path.Join(place.FullName, program));
            await using var daemon = await DaemonProcess.StartAsync(executable);
            using var client = new CrashClient(daemon);
            await Create(daemon, client, "c");
            uint gone, running;
            await using (var before = new NodeShimClient(Socket(daemon, "c")))
            {
                await before.Call("Start");
                (gone, running) = (await before.Exec("exit 7"), await before.Exec("exec sleep 1000"));
                await Eventually.IsTrue(async () => (await before.Find(gone)).GetProperty("status").GetString() == "STOPPED");
            }
            var shim = daemon.ShimPid!.Value;
            ShimUpgrade.Replace(executable);
            await daemon.KillAsync();
            await daemon.RestartAsync();
            await ShimUpgrade.DoneAsync(shim, executable);
            await using var after = new NodeShimClient(Socket(daemon, "c"));
            Assert.Equal(7u, await after.Collect(gone));
            Assert.Equal("exec sleep 1000", (await after.Find(running)).GetProperty("args")[2].GetString());
            await after.Call("Kill", new { pid = running, signal = 9 });
            Assert.Equal(137u, await after.Collect(running));
            Assert.Empty(Zombies(shim));
            await client.Remove("c");
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    /// <summary>Children of a process that nothing has reaped.</summary>
    private static List<string> Zombies(int parent) =>
        [.. Directory.GetDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)).Select(StatOf)
            .Where(s => s.Contains($") Z {parent} ", StringComparison.Ordinal))];

    private static string StatOf(string directory)
    {
        try
        {
            return File.ReadAllText(Path.Join(directory, "stat"));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string Socket(DaemonProcess daemon, string id) =>
        Path.Join(daemon.State, "bundles", daemon.Namespace, id, "shim.sock");

    private static async Task<uint> Create(DaemonProcess daemon, CrashClient client, string id)
    {
        var container = CrashClient.ContainerOf(id);
        container.Container.Spec.Value = Google.Protobuf.ByteString.CopyFrom(ServiceLife.SpecWith(daemon.Place));
        await client.Containers.CreateAsync(container, client.In());
        await client.CreateTask(id);
        return (await client.Tasks.GetAsync(new GetRequest { ContainerId = id }, client.In())).Process.Pid;
    }

    /// <summary>The pids of the execs that the daemon knows and that have not exited.</summary>
    private static async Task<List<uint>> Execs(CrashClient client, string id)
    {
        var task = await client.Tasks.GetAsync(new GetRequest { ContainerId = id }, client.In());
        var pids = await client.Tasks.ListPidsAsync(new ListPidsRequest { ContainerId = id }, client.In());
        return [.. pids.Processes.Where(p => p.Info is not null && p.Pid != task.Process.Pid).Select(p => p.Pid)];
    }

    /// <summary>What the daemon published of a container's tasks, in order.</summary>
    private static List<string> Seen(HistoryReader history, string id) =>
        [.. history.Seen.Select(e => e.Topic switch
        {
            "/tasks/create" => (TaskCreate.Parser.ParseFrom(e.Event_.Value).ContainerId, "create"),
            "/tasks/start" => (TaskStart.Parser.ParseFrom(e.Event_.Value).ContainerId, "start"),
            "/tasks/paused" => (TaskPaused.Parser.ParseFrom(e.Event_.Value).ContainerId, "paused"),
            "/tasks/resumed" => (TaskResumed.Parser.ParseFrom(e.Event_.Value).ContainerId, "resumed"),
            "/tasks/exec-added" => (TaskExecAdded.Parser.ParseFrom(e.Event_.Value).ContainerId, "exec-added"),
            "/tasks/exec-started" => (TaskExecStarted.Parser.ParseFrom(e.Event_.Value).ContainerId, "exec-started"),
            "/tasks/exit" => Exit(TaskExit.Parser.ParseFrom(e.Event_.Value)),
            _ => ("", ""),
        }).Where(e => e.Item1 == id).Select(e => e.Item2)];

    private static (string, string) Exit(TaskExit e) =>
        (e.ContainerId, $"{(e.Id == e.ContainerId ? "exit" : "exec-exit")} {e.ExitStatus}");

    private static IEnumerable<string> OfInit(IEnumerable<string> seen) =>
        seen.Where(e => !e.StartsWith("exec-", StringComparison.Ordinal));

    private static IEnumerable<string> OfExecs(IEnumerable<string> seen) =>
        seen.Where(e => e.StartsWith("exec-", StringComparison.Ordinal));

    private static IEnumerable<string> Exits(IEnumerable<string> seen) =>
        seen.Where(e => e.StartsWith("exec-exit", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
}
