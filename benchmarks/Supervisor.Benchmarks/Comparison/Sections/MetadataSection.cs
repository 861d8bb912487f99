namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>Records of containers, without tasks.</summary>
internal static class MetadataSection
{
    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, run.Daemons, stop);
        var table = new Table("Containers without tasks",
            "Containers/Create, Update of a label, and Delete: all three of one container are one.", daemons.Names);
        foreach (var inFlight in (int[])[1, 8])
        {
            var slices = daemons.ConvertAll(d => new Slices(async () =>
            {
                var id = d.Client.NewId();
                await d.Client.CreateAsync(id, "true");
                await d.Client.UpdateAsync(id, "value");
                await d.Client.DeleteContainerAsync(id);
            }));
            for (var slice = 0; slice <= run.Seconds; slice++) // the first one warms up
            {
                stop.ThrowIfCancellationRequested();
                foreach (var each in slices)
                {
                    await each.RunAsync(inFlight);
                    if (slice == 0) each.Clear();
                }
            }
            table.Add($"created, updated and deleted a second, {inFlight} in flight",
                [.. slices.Select(s => (double?)s.PerSecond)]);
        }
        return [table];
    }
}
