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
            + $"{Math.Min(count, DaemonKind.Containerd.Most)}), until a client has listed all of them.",
            daemons.Names);
        var starts = Math.Clamp(run.Rounds / 10, 3, 20);
        table.Add("without containers", await RestartsAsync(daemons, starts, stop));
        var populations = daemons.ConvertAll(d => new Population(d));
        foreach (var each in populations) await each.GrowAsync(count, stop);
        table.Add($"with {count:N0} containers", await RestartsAsync(daemons, starts, stop));
        return [table];
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
