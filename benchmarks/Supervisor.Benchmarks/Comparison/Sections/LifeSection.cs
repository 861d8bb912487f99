namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>A container's life through the API, call by call.</summary>
internal static class LifeSection
{
    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, [.. run.Daemons, DaemonKind.GrpcAlone], stop);
        await daemons.WarmUpAsync(run, stop);
        var table = new Table("A life through the API, by step",
            "Containers/Create, Tasks/Create, Start, from its answer until Wait answers, Tasks/Delete, Containers/Delete, one "
            + "life after the other. gRPC alone: a server that answers each of these calls at once and makes no container.",
            daemons.Names);
        await AddStepsAsync(table, daemons, run, stop);
        return [table];
    }

    /// <summary>A row for each step of lives on all daemons by turns.</summary>
    public static async Task AddStepsAsync(Table table, DaemonGroup daemons, Run run, CancellationToken stop)
    {
        var times = daemons.ConvertAll(_ => ApiClient.Steps.ToDictionary(s => s, _ => new Samples()));
        for (var round = 0; round < run.Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            for (var d = 0; d < daemons.Count; d++)
            {
                var own = times[d];
                await daemons[d].Client.LiveAsync((step, time) => own[step].Add(time));
            }
        }
        foreach (var step in ApiClient.Steps) table.Add(step, times.Select(t => t[step]));
    }
}
