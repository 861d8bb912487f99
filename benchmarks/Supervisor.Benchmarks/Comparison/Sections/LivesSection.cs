namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>Lives per second through the API, and what one costs the machine.</summary>
internal static class LivesSection
{
    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, run.Daemons, stop);
        await daemons.WarmUpAsync(run, stop);
        var table = new Table("Lives per second",
            "Lives through the API with several in flight. Processor time is that of the daemon, its shims and its runtimes, "
            + "without the client and the containers.",
            daemons.Names);
        foreach (var inFlight in (int[])[1, 8, 32])
        {
            var times = daemons.ConvertAll(_ => new Samples());
            var processor = new double[daemons.Count];
            var slices = daemons.Select((d, i) => new Slices(() => d.Client.LiveAsync((step, time) =>
            {
                if (step == "lifecycle") times[i].Add(time);
            }))).ToList();
            for (var slice = 0; slice <= run.Seconds; slice++) // the first one warms up
            {
                stop.ThrowIfCancellationRequested();
                for (var d = 0; d < daemons.Count; d++)
                {
                    var before = daemons[d].Usage.Milliseconds;
                    await slices[d].RunAsync(inFlight);
                    processor[d] += daemons[d].Usage.Milliseconds - before;
                    if (slice > 0) continue;
                    slices[d].Clear();
                    times[d].Clear();
                    processor[d] = 0;
                }
            }
            table.Add($"lives a second, {inFlight} in flight", [.. slices.Select(s => (double?)s.PerSecond)]);
            table.Add($"a life, {inFlight} in flight", times);
            table.Add($"processor time per life, {inFlight} in flight, ms",
                [.. slices.Select((s, d) => (double?)(processor[d] / s.Done))]);
        }
        return [table];
    }
}
