using Supervisor.Kernel.Processes;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// Reaps children that no watcher waits for: reparented when a shim exited, or when a process in a container without a pid
/// namespace did. Only for a process that is the daemon and nothing else.
/// </summary>
internal sealed class OrphanReaper : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly Func<IEnumerable<int>> _watched;
    private readonly Timer _timer;

    /// <param name="watched">The pids that have a watcher; called after the exited children are listed.</param>
    public OrphanReaper(Func<IEnumerable<int>> watched)
    {
        _watched = watched;
        _timer = new Timer(_ => Reap(), null, Interval, Interval);
    }

    public void Dispose() => _timer.Dispose();

    private void Reap()
    {
        try
        {
            var ended = ProcStat.EndedChildren().ToList();
            if (ended.Count == 0) return;
            var watched = _watched().ToHashSet();
            foreach (var pid in ended)
                if (!watched.Contains(pid) && Pidfd.TryOpen(pid) is { } orphan)
                    using (orphan) orphan.TryReap();
        }
        catch (IOException)
        {
            // The next interval retries.
        }
    }
}
