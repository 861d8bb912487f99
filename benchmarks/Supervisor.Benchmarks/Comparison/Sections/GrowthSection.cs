using System.Diagnostics;
using Supervisor.Kernel.Processes;

namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>What grows with the number of idle containers, and what does not.</summary>
internal static class GrowthSection
{
    private const string Memory = "memory of daemon and shims, PSS, MB";
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1), Idle = TimeSpan.FromSeconds(5);

    /// <summary>4,000, or what a shim's descriptors allow: it has five for each container.</summary>
    private static int Most() => (int)Math.Min(4000, (DescriptorLimit.Current - 1000) / 5 / 100 * 100);

    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, run.Daemons, stop);
        var populations = daemons.ConvertAll(d => new Population(d));
        var rows = new List<(string What, int Count, double?[] Values)>();
        foreach (var count in run.IsQuick ? (int[])[0, 10, 50] : [0, 10, 100, 1000, Most()])
        {
            foreach (var each in populations) await each.GrowAsync(count, stop);
            await Task.Delay(Settle, stop);
            var present = populations.Where(p => p.Count == count).ToList();
            var group = present.ConvertAll(p => p.Daemon);
            Add("a life, {0}, ms", await LivesAsync(group, run.Rounds / 2, stop));
            Add("kill to event, {0}, ms", await KillSection.KillsAsync(group, 1, run.Rounds / 2, stop));
            Add("list of all, {0}, ms", await ListsAsync(group, run.Rounds / 5 + 5, stop));
            var before = group.ConvertAll(d => d.Usage.Milliseconds);
            await Task.Delay(Idle, stop);
            Row("idle, share of a core, %",
                i => (group[i].Usage.Milliseconds - before[i]) / Idle.TotalMilliseconds * 100);
            Row(Memory, i => group[i].Usage.ResidentMegabytes);

            void Add(string what, IReadOnlyList<Samples> samples)
            {
                Row(string.Format(what, "p50"), i => samples[i].P50);
                Row(string.Format(what, "p99"), i => samples[i].P99);
            }

            void Row(string what, Func<int, double> value) => rows.Add((what, count, [.. populations.Select(p =>
                present.IndexOf(p) is >= 0 and var i ? value(i) : (double?)null)]));
        }
        var table = new Table("Growth",
            "With idle containers: lives and kills of further ones, a list of all, and the memory and processor time of daemon "
            + $"and shims. containerd is given {DaemonKind.Containerd.Most} at most. What is flat has a last row near 1.",
            daemons.Names);
        foreach (var what in rows.Select(r => r.What).Distinct())
        {
            var own = rows.Where(r => r.What == what).ToList();
            foreach (var row in own) table.Add($"{what}: with {row.Count:N0}", row.Values);
            if (what == Memory) table.Add("memory per container, kB", Each(d => PerContainer(own, d)));
            else if (what.Contains("p50", StringComparison.Ordinal))
            {
                table.AddAlone($"{what}: with the most divided by with none",
                    Each(d => Present(own, d)[^1].Value / own[0].Values[d]));
            }
        }
        return [table];

        List<double?> Each(Func<int, double?> value) => [.. Enumerable.Range(0, daemons.Count).Select(value)];
    }

    /// <summary>Between the largest and the smallest number of containers that a daemon was given.</summary>
    private static double? PerContainer(List<(string What, int Count, double?[] Values)> rows, int daemon)
    {
        var all = Present(rows, daemon);
        return (all[^1].Value - all[0].Value) * 1024 / (all[^1].Count - all[0].Count);
    }

    private static List<(int Count, double Value)> Present(List<(string What, int Count, double?[] Values)> rows, int daemon) =>
        [.. rows.Where(r => r.Values[daemon] is not null).Select(r => (r.Count, r.Values[daemon]!.Value))];

    private static async Task<IReadOnlyList<Samples>> LivesAsync(List<Daemon> daemons, int rounds, CancellationToken stop)
    {
        var times = daemons.ConvertAll(_ => new Samples());
        for (var round = -5; round < rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            for (var d = 0; d < daemons.Count; d++)
            {
                var began = Stopwatch.GetTimestamp();
                await daemons[d].Client.LiveAsync();
                if (round >= 0) times[d].Add(ApiClient.Milliseconds(began));
            }
        }
        return times;
    }

    private static async Task<IReadOnlyList<Samples>> ListsAsync(List<Daemon> daemons, int rounds, CancellationToken stop)
    {
        var times = daemons.ConvertAll(_ => new Samples());
        for (var round = -3; round < rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            for (var d = 0; d < daemons.Count; d++)
            {
                var began = Stopwatch.GetTimestamp();
                await daemons[d].Client.ListAsync();
                if (round >= 0) times[d].Add(ApiClient.Milliseconds(began));
            }
        }
        return times;
    }
}
