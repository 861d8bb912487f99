namespace Supervisor.Benchmarks.Comparison;

/// <summary>The idle containers of a daemon.</summary>
internal sealed class Population(Daemon daemon)
{
    private const int InFlight = 8;

    public Daemon Daemon => daemon;

    public int Count { get; private set; }

    /// <summary>At most as many as the daemon is given.</summary>
    public async Task GrowAsync(int count, CancellationToken stop)
    {
        var left = Math.Min(count, daemon.Kind.Most) - Count;
        if (left <= 0) return;
        Count += left;
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                stop.ThrowIfCancellationRequested();
                await daemon.Client.StartedAsync();
            }
        }));
    }
}
