namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>containerd with our shim, and with runc's.</summary>
internal static class ShimSection
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(5); // a shim returns its memory two seconds after its work

    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(
            run, [DaemonKind.ContainerdOnOurShim(run.Bin), DaemonKind.Containerd], stop);
        await daemons.WarmUpAsync(run, stop);
        var table = new Table("Under containerd",
            "Debian's containerd with `io.containerd.supervisor.v2`, and with runc and its shim: a life through the API, one "
            + "after the other, by turns; and the memory of the shims of idle containers, one each.", daemons.Names);
        await LifeSection.AddStepsAsync(table, daemons, run, stop);
        var populations = daemons.ConvertAll(d => new Population(d));
        foreach (var count in run.IsQuick ? (int[])[10] : [10, 50])
        {
            foreach (var each in populations) await each.GrowAsync(count, stop);
            await Task.Delay(Settle, stop);
            table.Add($"memory of one of {count} shims, PSS, MB",
                [.. daemons.Select(d => (double?)(d.Usage.ResidentMegabytesOf("shim") / count))]);
        }
        return [table];
    }
}
