namespace Supervisor.Benchmarks.Comparison;

/// <summary>Daemons that take turns.</summary>
internal sealed class DaemonGroup : List<Daemon>, IAsyncDisposable
{
    private const int WarmUps = 30;

    public IReadOnlyList<string> Names => [.. this.Select(d => d.Kind.Name)];

    public static async Task<DaemonGroup> StartAsync(Run run, IEnumerable<DaemonKind> kinds, CancellationToken stop)
    {
        var group = new DaemonGroup();
        try
        {
            foreach (var kind in kinds) group.Add(await Daemon.StartAsync(run, kind, stop));
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    public async Task WarmUpAsync(Run run, CancellationToken stop)
    {
        for (var i = 0; i < (run.IsQuick ? 3 : WarmUps); i++)
        {
            stop.ThrowIfCancellationRequested();
            foreach (var each in this) await each.Client.LiveAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var each in this) await each.DisposeAsync();
    }
}
