using System.Diagnostics;

namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>From the kill of a container until its subscribers have its exit.</summary>
internal static class KillSection
{
    private const int Subscribers = 100;

    /// <summary>What another daemon does after its turn is not measured in the next one's.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(10);

    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, CancellationToken stop)
    {
        await using var daemons = await DaemonGroup.StartAsync(run, [.. run.Daemons, DaemonKind.GrpcAlone], stop);
        var table = new Table("Kill to event",
            $"From the call of Tasks/Kill until a subscriber receives the exit; then until the last of {Subscribers} subscribers "
            + "has, each with a connection of its own. gRPC alone: a server that signals a child process and reports its exit.",
            daemons.Names);
        table.Add("one subscriber", await KillsAsync(daemons, 1, run.Rounds, stop));
        table.Add($"the last of {Subscribers} subscribers",
            await KillsAsync(daemons, Subscribers, Math.Max(5, run.Rounds / 4), stop));
        return [table];
    }

    /// <returns>For each daemon.</returns>
    public static async Task<IReadOnlyList<Samples>> KillsAsync(
        IReadOnlyList<Daemon> daemons, int subscribers, int rounds, CancellationToken stop)
    {
        var times = daemons.Select(_ => new Samples()).ToList();
        var clients = new List<ApiClient>();
        var subscriptions = daemons.Select(_ => new List<ExitSubscription>()).ToList();
        try
        {
            for (var d = 0; d < daemons.Count; d++)
            {
                subscriptions[d].AddRange(await Task.WhenAll(Enumerable.Range(0, subscribers).Select(_ =>
                {
                    var client = daemons[d].NewClient();
                    clients.Add(client);
                    return ExitSubscription.OpenAsync(client.Channel);
                })));
            }
            for (var round = -3; round < rounds; round++)
            {
                for (var d = 0; d < daemons.Count; d++)
                {
                    stop.ThrowIfCancellationRequested();
                    var client = daemons[d].Client;
                    var id = await client.StartedAsync();
                    await Task.Delay(Settle, stop);
                    var began = Stopwatch.GetTimestamp();
                    var killed = client.KillAsync(id);
                    var arrived = await Task.WhenAll(subscriptions[d].Select(s => s.ArrivedAsync(id)));
                    if (round >= 0) times[d].Add(Stopwatch.GetElapsedTime(began, arrived.Max()).TotalMilliseconds);
                    await killed;
                    await client.DeleteAsync(id);
                }
            }
            return times;
        }
        finally
        {
            foreach (var each in subscriptions.SelectMany(s => s)) await each.DisposeAsync();
            foreach (var each in clients) each.Dispose();
        }
    }
}
