using System.Diagnostics;

namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>Starts of a daemon: without containers, and after it was killed while many were running.</summary>
internal static class StartSection
{
    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, run.Daemons, stop);
        var count = run.IsQuick ? 20 : 1000;
        var table = new Table("Start and recovery",
            $"From the start of the process until it answers; after SIGKILL with {count:N0} running containers (containerd: "
            + $"{Math.Min(count, DaemonKind.Containerd.Most)}), until a client has listed all of them; and the first life of a "
            + "daemon that has just started, beside one after a hundred.",
            daemons.Names);
        var starts = Math.Clamp(run.Rounds / 10, 3, 20);
        table.Add("without containers", await RestartsAsync(daemons, starts, stop));
        var (first, later) = await FirstLivesAsync(daemons, starts, stop);
        table.Add("the first life after a start", first);
        table.Add("a life after a hundred", later);
        var populations = daemons.ConvertAll(d => new Population(d));
        foreach (var each in populations) await each.GrowAsync(count, stop);
        table.Add($"with {count:N0} containers", await RestartsAsync(daemons, starts, stop));
        return [table];
    }

    private static async Task<(List<Samples> First, List<Samples> Later)> FirstLivesAsync(
        DaemonGroup daemons, int starts, CancellationToken stop)
    {
        var (first, later) = (daemons.ConvertAll(_ => new Samples()), daemons.ConvertAll(_ => new Samples()));
        for (var i = 0; i < starts; i++)
        {
            for (var d = 0; d < daemons.Count; d++)
            {
                await daemons[d].KillAsync();
                await daemons[d].StartAgainAsync(stop);
                _ = await daemons[d].Client.ListAsync(); // the client's connection is not measured
                first[d].Add(await LifeAsync(daemons[d]));
            }
        }
        for (var d = 0; d < daemons.Count; d++) for (var i = 0; i < 100; i++) await LifeAsync(daemons[d]);
        for (var i = 0; i < starts; i++) for (var d = 0; d < daemons.Count; d++) later[d].Add(await LifeAsync(daemons[d]));
        return (first, later);
    }

    private static async Task<double> LifeAsync(Daemon daemon)
    {
        var began = Stopwatch.GetTimestamp();
        await daemon.Client.LiveAsync();
        return ApiClient.Milliseconds(began);
    }

    private static async Task<List<Samples>> RestartsAsync(DaemonGroup daemons, int starts, CancellationToken stop)
    {
        var times = daemons.ConvertAll(_ => new Samples());
        for (var i = 0; i < starts; i++)
        {
            for (var d = 0; d < daemons.Count; d++)
            {
                var wanted = await daemons[d].Client.ListAsync();
                await daemons[d].KillAsync();
                var began = Stopwatch.GetTimestamp();
                await daemons[d].StartAgainAsync(stop);
                var listed = await daemons[d].Client.ListAsync();
                times[d].Add(ApiClient.Milliseconds(began));
                if (listed != wanted)
                    throw new InvalidOperationException($"{daemons[d].Kind.Name}: {listed} of {wanted} containers are listed");
            }
        }
        return times;
    }
}
