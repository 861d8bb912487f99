using System.Diagnostics;
using Containerd.Services.Containers.V1;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// The daemon, the shim or both are killed at random moments while containers are created, run and deleted; then everything is
/// checked. SUPERVISOR_CRASH_KILLS and SUPERVISOR_CRASH_CONTAINERS make it longer and wider (the full measure: 200 and 50);
/// SUPERVISOR_CRASH_SEED repeats the same moments and victims (a failure prints it).
/// </summary>
[Collection(Alone.Name)]
public sealed class StormTests(Xunit.Abstractions.ITestOutputHelper output)
{
    internal static int Kills => Number("SUPERVISOR_CRASH_KILLS", 4);

    private static int Lives => Number("SUPERVISOR_CRASH_CONTAINERS", 6);

    [Theory]
    [InlineData("daemon", "node")]
    [InlineData("shim", "node")]
    [InlineData("both", "node")]
    [InlineData("stop", "node")]
    [InlineData("daemon", "per-container")]
    [InlineData("shim", "per-container")]
    [InlineData("both", "per-container")]
    [InlineData("stop", "per-container")]
    public async Task Whichever_process_is_killed_no_exit_is_lost_and_nothing_is_left_behind(string who, string shim)
    {
        ResetSubreaper();
        await using var daemon = await DaemonProcess.StartAsync(shim);
        using var client = new CrashClient(daemon);
        await using var history = new HistoryReader(client);
        using var over = new CancellationTokenSource();
        var seed = Number("SUPERVISOR_CRASH_SEED", Random.Shared.Next());
        output.WriteLine($"SUPERVISOR_CRASH_SEED={seed}");
        var random = new Random(seed);
        var lives = Enumerable.Range(0, Lives).Select(i => Live(client, i, over.Token)).ToArray();
        for (var i = 0; i < Kills; i++)
        {
            await Task.Delay(random.Next(100, 1500));
            await Strike(daemon, who, random);
        }
        await over.CancelAsync();
        await Task.WhenAll(lives);
        await Settled(daemon, client, history);
    }

    /// <summary>
    /// An earlier test with a shim's runtime in this process has made it a subreaper that reaps no orphans. An unreaped exec
    /// keeps the init of its pid namespace from exiting, forever: pid_namespaces(7).
    /// </summary>
    private static void ResetSubreaper()
    {
        const int PR_SET_CHILD_SUBREAPER = 36;
        Assert.Equal(0, prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
    }

    [System.Runtime.InteropServices.DllImport("libc", SetLastError = true)]
    private static extern int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    private static async Task Strike(DaemonProcess daemon, string who, Random random)
    {
        var shims = daemon.ShimPids;
        int? shim = shims.Count > 0 ? shims[random.Next(shims.Count)] : null;
        if (who is "stop")
        {
            var victim = random.Next(2) == 0 && shim is not null ? shim.Value : daemon.Pid;
            await Signal("-STOP", victim);
            await Task.Delay(TimeSpan.FromSeconds(Number("SUPERVISOR_CRASH_STOP_SECONDS", 2)));
            await Signal("-CONT", victim);
            return;
        }
        if (who is "shim" or "both" && shim is { } pid) await Signal("-KILL", pid);
        if (who is not ("daemon" or "both")) return;
        await daemon.KillAsync();
        daemon.Begin();
    }

    /// <summary>One container after another: created, started, with an exec, killed or left to exit, deleted.</summary>
    private static async Task Live(CrashClient client, int worker, CancellationToken over)
    {
        for (var n = 0; !over.IsCancellationRequested; n++)
        {
            var id = $"c{worker}-{n}";
            await client.CreateContainer(id, "sh", "-c", n % 3 == 0 ? "sleep 0.2; exit 7" : "sleep 1000");
            await client.CreateTask(id);
            await client.Start(id);
            await client.Exec(id, "e", "sh", "-c", "exit 3");
            await client.Start(id, "e");
            if (n % 3 != 0) await client.Kill(id);
            await client.Remove(id);
        }
    }

    /// <summary>Every exit exactly once, and nothing left behind.</summary>
    internal static async Task Settled(DaemonProcess daemon, CrashClient client, HistoryReader history)
    {
        foreach (var left in (
            await CrashClient.Ask(
            () => client.Containers.ListAsync(new ListContainersRequest(), client.In())))!.Containers) await client.Remove(
            left.Id);
        await history.Until(_ => history.Starts.All(history.Exits.ContainsKey));
        Assert.All(history.Exits, e => Assert.True(e.Value == 1, $"{e.Key} exited {e.Value} times"));
        Assert.NotEmpty(history.Exits);
        var bundles = Path.Join(daemon.State, "bundles", daemon.Namespace);
        if (Directory.Exists(bundles)) Assert.Empty(Directory.GetFileSystemEntries(bundles));
        foreach (var tree in (string[])["/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")])
            if (Path.Join(tree, daemon.Namespace) is var group && Directory.Exists(group))
                Assert.Empty(Directory.GetDirectories(group));
        await Nothing(() => Children(daemon.Pid).Where(c => c.Pid != daemon.ShimPid).Select(c => $"{c}"),
            "the daemon has children");
        await Nothing(() => daemon.ShimPids.Where(s => s != daemon.ShimPid).Select(s => $"{s}"),
            "there are shims of deleted containers");
        if (Path.Join(daemon.State, "shims") is var own && Directory.Exists(own))
            await Nothing(() => Directory.GetFileSystemEntries(own), "their directories are left");
        if (daemon.ShimPid is { } shim)
        {
            await Nothing(() => Children(shim).Select(c => $"{c}"), "the shim has children");
            await Nothing(() => Directory.GetFiles($"/proc/{shim}/fd").Select(f => new FileInfo(f).LinkTarget ?? "")
                .Where(t => t.Contains("pidfd", StringComparison.Ordinal)), "the shim holds pidfds");
        }
    }

    /// <summary>Waits until there is none: a process is reaped a moment after its exit is published.</summary>
    private static async Task Nothing(Func<IEnumerable<string>> left, string what)
    {
        for (var end = DateTime.UtcNow + TimeSpan.FromSeconds(15); left().Any();)
        {
            Assert.True(DateTime.UtcNow < end, $"{what}: {string.Join(", ", left())}");
            await Task.Delay(50);
        }
    }

    private static List<(int Pid, string Name)> Children(int parent)
    {
        var children = new List<(int, string)>();
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var pid)) continue;
            try
            {
                var stat = File.ReadAllText(directory + "/stat");
                if (int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1]) == parent)
                    children.Add((pid, stat[..(stat.LastIndexOf(')') + 3)]));
            }
            catch (IOException)
            {
                // It has exited since it was listed.
            }
        }
        return children;
    }

    internal static async Task Signal(string signal, int pid)
    {
        using var kill = Process.Start("kill", [signal, $"{pid}"]);
        await kill.WaitForExitAsync();
    }

    internal static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out var given) ? given : otherwise;
}
