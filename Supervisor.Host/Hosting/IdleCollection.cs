using Supervisor.Host.Daemon;

namespace Supervisor.Host.Hosting;

/// <summary>
/// Collects garbage when the daemon has become idle. Its start leaves some 20 MB, mostly from reading the configuration, and
/// hours of work leave more; an idle daemon would keep it all, since only an allocation triggers a collection. It takes 20 ms, at
/// a time when hardly anything is allocated, so that hardly any call waits for it.
/// </summary>
internal sealed class IdleCollection(DaemonLifetime lifetime) : BackgroundService
{
    private const long WorthIt = 8 << 20, Idle = 4 << 20; // bytes allocated: since the last collection, and in a period

    private static readonly TimeSpan SettleWithin = TimeSpan.FromSeconds(2), Period = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await lifetime.Ready.WaitAsync(stoppingToken);
        await Task.Delay(SettleWithin, stoppingToken);
        var (collected, before) = (Collect(), GC.GetTotalAllocatedBytes());
        using var periods = new PeriodicTimer(Period);
        while (await periods.WaitForNextTickAsync(stoppingToken))
        {
            var now = GC.GetTotalAllocatedBytes();
            if (now - before < Idle && now - collected > WorthIt) collected = Collect();
            before = now;
        }
    }

    /// <returns>Bytes allocated until then.</returns>
    private static long Collect()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return GC.GetTotalAllocatedBytes();
    }
}
