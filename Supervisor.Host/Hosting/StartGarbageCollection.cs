using Supervisor.Host.Daemon;

namespace Supervisor.Host.Hosting;

/// <summary>
/// A start leaves some 20 MB of garbage, mostly from reading the configuration; an idle daemon would keep it for hours, since
/// nothing triggers a collection. Done once, shortly after the start, when no call waits for it: it takes 20 ms.
/// </summary>
internal sealed class StartGarbageCollection(DaemonLifetime lifetime) : BackgroundService
{
    private static readonly TimeSpan SettleWithin = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await lifetime.Ready.WaitAsync(stoppingToken);
        await Task.Delay(SettleWithin, stoppingToken);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
