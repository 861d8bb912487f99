using System.Diagnostics;
using Supervisor.Benchmarks.Comparison;

namespace Supervisor.Benchmarks;

/// <summary>
/// The lifecycle of a container through containerd's API, step by step, on several daemons in turn, so that other load on the
/// machine affects all of them alike. The daemons are already running; a lifecycle is containers/create, tasks/create, start,
/// wait, and both deletes.
/// </summary>
internal sealed class LifecycleBenchmark(string socket, string bundle) : IDisposable
{
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(10);
    private readonly ApiClient _client = new(socket, bundle, "/bench");
    private readonly Dictionary<string, Samples> _times =
        ApiClient.Steps.Append("kill-to-event").ToDictionary(s => s, _ => new Samples());
    private readonly Queue<string> _killed = new();

    /// <summary>
    /// Prints "step socket p50 p90 ms" for each step on each socket, and the ratio of the last socket to the first.
    /// </summary>
    /// <param name="bundle">A directory with a root file system and a config.json whose program exits at once.</param>
    public static Task RunAsync(string bundle, int rounds, IReadOnlyList<string> sockets) =>
        With(bundle, sockets, async daemons =>
        {
            for (var warm = 0; warm < 30; warm++) foreach (var each in daemons) await each.LiveAsync();
            foreach (var each in daemons) each.Clear();
            for (var round = 0; round < rounds; round++)
            {
                foreach (var each in daemons) await each.LiveAsync();
                foreach (var each in daemons)
                {
                    await each.KillAsync(await each._client.StartedAsync());
                    await each.DeleteAllAsync();
                }
            }
            foreach (var step in (string[])[.. ApiClient.Steps, "kill-to-event"]) Print(daemons, step);
            foreach (var each in daemons)
                Console.WriteLine($"lifecycles-8-at-a-time {each._client.Name} {await each.RateAsync(400):0} lifecycles/s");
        });

    /// <summary>
    /// From a kill to its event on each socket in turn, with <paramref name="count"/> containers alive at the beginning.
    /// </summary>
    public static Task RunKillsAsync(string bundle, int count, IReadOnlyList<string> sockets) =>
        With(bundle, sockets, async daemons =>
        {
            var ids = daemons.ConvertAll(_ => new Queue<string>());
            for (var i = 0; i < count; i++)
                for (var d = 0; d < daemons.Count; d++) ids[d].Enqueue(await daemons[d]._client.StartedAsync());
            Console.WriteLine("alive");
            await Task.Delay(1000);
            for (var i = 0; i < count; i++)
                for (var d = 0; d < daemons.Count; d++) await daemons[d].KillAsync(ids[d].Dequeue());
            Print(daemons, "kill-to-event");
            foreach (var each in daemons) await each.DeleteAllAsync();
        });

    /// <summary>
    /// Lifecycles per second with <paramref name="inFlight"/> at a time, and how long each takes then; <paramref name="seconds"/>
    /// for each socket, in slices of a second that take turns.
    /// </summary>
    public static Task RunLivesAsync(string bundle, int inFlight, int seconds, IReadOnlyList<string> sockets) =>
        With(bundle, sockets, async daemons =>
        {
            var slices = daemons.ConvertAll(d => new Slices(d.LiveAsync));
            for (var slice = 0; slice <= seconds; slice++) // the first one warms up
            {
                for (var d = 0; d < daemons.Count; d++)
                {
                    await slices[d].RunAsync(inFlight);
                    if (slice > 0) continue;
                    slices[d].Clear();
                    daemons[d].Clear();
                }
            }
            Print(daemons, "lifecycle");
            for (var d = 0; d < daemons.Count; d++)
                Console.WriteLine($"lives-{inFlight}-in-flight {daemons[d]._client.Name} {slices[d].PerSecond:0} lives/s");
        });

    public void Dispose() => _client.Dispose();

    private static async Task With(string bundle, IReadOnlyList<string> sockets, Func<List<LifecycleBenchmark>, Task> measure)
    {
        var daemons = sockets.Select(s => new LifecycleBenchmark(s, bundle)).ToList();
        try
        {
            await measure(daemons);
        }
        finally
        {
            foreach (var each in daemons) each.Dispose();
        }
    }

    private static void Print(List<LifecycleBenchmark> daemons, string step)
    {
        foreach (var each in daemons)
        {
            var times = each._times[step];
            Console.WriteLine($"{step} {each._client.Name} p50 {times.P50:0.00} p90 {times.P90:0.00} p99 {times.P99:0.00} ms");
        }
        if (daemons.Count > 1)
            Console.WriteLine($"{step}-last/first {daemons[^1]._times[step].P50 / daemons[0]._times[step].P50:0.00} ratio");
    }

    private void Clear()
    {
        foreach (var each in _times.Values) each.Clear();
    }

    private Task LiveAsync() => _client.LiveAsync((step, time) => _times[step].Add(time));

    private async Task DeleteAllAsync()
    {
        while (_killed.TryDequeue(out var id)) await _client.DeleteAsync(id);
    }

    /// <summary>From the kill of a running container until a subscriber receives its exit.</summary>
    private async Task KillAsync(string id)
    {
        await using var exits = await ExitSubscription.OpenAsync(_client.Channel);
        await Task.Delay(Settle); // what another daemon does after its turn is not measured here
        var began = Stopwatch.GetTimestamp();
        var killed = _client.KillAsync(id);
        _times["kill-to-event"].Add(Stopwatch.GetElapsedTime(began, await exits.ArrivedAsync(id)).TotalMilliseconds);
        await killed;
        _killed.Enqueue(id);
    }

    private async Task<double> RateAsync(int lifecycles)
    {
        var left = lifecycles;
        return await Benchmark.Rate(lifecycles, () => Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0) await LiveAsync();
        })));
    }
}
