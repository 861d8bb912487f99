using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// The daemon is killed at every failpoint: before and after every journal write, every effect and every event of one
/// container's life. The next daemon continues, and the history equals that of an undisturbed run.
/// SUPERVISOR_CRASH_POINTS=all tries every place, otherwise every twelfth.
/// </summary>
public sealed class FailpointTests
{
    [Fact]
    public async Task Wherever_the_daemon_is_killed_a_containers_history_is_that_of_an_undisturbed_run()
    {
        var trace = Path.GetTempFileName();
        try
        {
            var undisturbed = await Life("@" + trace, mustDie: false);
            var counts = new Dictionary<string, int>();
            var places = File.ReadAllLines(trace).Select(p => $"{p}#{counts[p] = counts.GetValueOrDefault(p) + 1}").ToList();
            Assert.Contains("after KernelWork SpawnInit#1", places);
            Assert.Contains("before journal task Exited#1", places);
            Assert.Contains("after journal registry Present#1", places);
            var step = Environment.GetEnvironmentVariable("SUPERVISOR_CRASH_POINTS") is "all" ? 1 : 12;
            for (var i = Environment.ProcessId % step; i < places.Count; i += step)
            {
                var disturbed = await Life(places[i], mustDie: true);
                Assert.True(Same(undisturbed, disturbed),
                    $"killed {places[i]}:\n{string.Join('\n', disturbed)}\ninstead of\n{string.Join('\n', undisturbed)}");
            }
        }
        finally
        {
            File.Delete(trace);
        }
    }

    [Fact]
    public async Task A_start_during_which_daemon_and_shim_die_is_published_and_so_is_its_exit()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        await daemon.KillAsync();
        daemon.Environment["SUPERVISOR_FAILPOINT"] = "after journal task StartRequested#1";
        daemon.Begin();
        daemon.Environment.Clear();
        using var client = new CrashClient(daemon);
        await using var history = new HistoryReader(client);
        await client.CreateContainer("c", "sleep", "1000");
        await client.CreateTask("c");
        var start = client.Start("c"); // it retries until it is answered
        await daemon.ExitedAsync();
        await StormTests.Signal("-KILL", daemon.ShimPid!.Value); // no process holds the init's start any more: it exits
        daemon.Begin();
        await start;
        Assert.NotEqual(0u, await client.Wait("c"));
        await client.Remove("c");
        await StormTests.Settled(daemon, client, history);
    }

    /// <summary>A task whose creation was interrupted is created again: the only difference is one more create.</summary>
    private static bool Same(List<string> undisturbed, List<string> disturbed)
    {
        if (disturbed.SequenceEqual(undisturbed)) return true;
        var again = disturbed.FindLastIndex(e => e.StartsWith("/tasks/create", StringComparison.Ordinal));
        return again >= 0 && disturbed.Where((_, i) => i != again).SequenceEqual(undisturbed);
    }

    /// <returns>The published events without pids: topic, exec and status.</returns>
    private static async Task<List<string>> Life(string failpoint, bool mustDie)
    {
        await using var daemon = await DaemonProcess.StartAsync();
        await daemon.KillAsync();
        daemon.Environment["SUPERVISOR_FAILPOINT"] = failpoint;
        daemon.Begin();
        if (mustDie) daemon.Environment.Clear();
        using var client = new CrashClient(daemon);
        await using var history = new HistoryReader(client);
        var reviver = Task.Run(async () =>
        {
            if (!mustDie) return;
            await daemon.ExitedAsync();
            daemon.Begin();
        });
        await client.CreateContainer("c", "sh", "-c", "sleep 1000");
        await client.CreateTask("c");
        await client.Start("c");
        await client.Exec("c", "e", "sh", "-c", "exit 3");
        await client.Start("c", "e");
        await client.Wait("c", "e");
        await client.Kill("c");
        await client.Wait("c");
        await client.Remove("c");
        await history.Until(seen => seen.Any(e => e.Topic == "/containers/delete"));
        if (mustDie) await reviver;
        await StormTests.Settled(daemon, client, history);
        return [.. history.Seen.Where(e => e.Topic is not "/namespaces/create").Select(e => e.Topic switch
        {
            "/tasks/exit" when Containerd.Events.TaskExit.Parser.ParseFrom(e.Event_.Value) is var x =>
                $"{e.Topic} {x.Id} {x.ExitStatus}",
            _ => e.Topic,
        })];
    }
}
