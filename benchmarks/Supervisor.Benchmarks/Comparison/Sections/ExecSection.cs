using System.Diagnostics;

namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>Another process in a running container.</summary>
internal static class ExecSection
{
    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, run.Daemons, stop);
        var containers = new List<string>();
        foreach (var each in daemons) containers.Add(await each.Client.StartedAsync());
        var times = daemons.ConvertAll(_ => new Samples());
        var last = 0;
        for (var round = -10; round < run.Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            for (var d = 0; d < daemons.Count; d++)
            {
                var began = Stopwatch.GetTimestamp();
                await ExecAsync(daemons[d].Client, containers[d], $"e{Interlocked.Increment(ref last)}");
                if (round >= 0) times[d].Add(ApiClient.Milliseconds(began));
            }
        }
        var table = new Table(
            "Exec", "Tasks/Exec, Start, until Wait answers, DeleteProcess, in one running container.", daemons.Names);
        table.Add("an exec", times);
        foreach (var inFlight in (int[])[1, 8])
        {
            var slices = daemons.Select((d, i) => new Slices(() =>
                ExecAsync(d.Client, containers[i], $"e{Interlocked.Increment(ref last)}"))).ToList();
            for (var slice = 0; slice < run.Seconds; slice++)
            {
                stop.ThrowIfCancellationRequested();
                foreach (var each in slices) await each.RunAsync(inFlight);
            }
            table.Add($"execs a second, {inFlight} in flight", [.. slices.Select(s => (double?)s.PerSecond)]);
        }
        return [table];
    }

    private static async Task ExecAsync(ApiClient client, string container, string exec)
    {
        await client.ExecAsync(container, exec);
        var exit = client.WaitAsync(container, exec);
        await client.StartAsync(container, exec);
        await exit;
        await client.DeleteExecAsync(container, exec);
    }
}
