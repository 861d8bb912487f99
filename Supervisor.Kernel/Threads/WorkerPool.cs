namespace Supervisor.Kernel.Threads;

/// <summary>
/// Threads for work that may block in the kernel: started on demand, and exiting when idle. A job that outlasts its deadline no
/// longer counts, and another thread replaces its thread until it returns.
/// </summary>
/// <param name="threads">How many when none is stuck.</param>
/// <param name="mostWaiting">Jobs that may wait for a thread.</param>
/// <param name="patience">How long after its deadline a job counts as stuck.</param>
/// <param name="stackSize">In bytes; 0 for the system's own.</param>
public sealed class WorkerPool(string name, int threads, int mostWaiting, TimeSpan patience, int stackSize = 0) : IDisposable
{
    /// <summary>Stuck ones included.</summary>
    public const int MaximumThreads = 64;

    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(20);
    private readonly object _gate = new();
    private readonly Queue<Job> _waiting = new();
    private int _alive, _stuck, _idle; // under the gate, as is _waiting: an idle thread takes one job only
    private bool _stopping;

    private sealed record Job(TimeSpan Deadline, Action<CancellationToken> Run, Action? Overdue);

    /// <summary>Runs a job on a thread of the pool.</summary>
    /// <param name="deadline">From its start; then its token is cancelled.</param>
    /// <param name="run">Must not throw.</param>
    /// <param name="overdue">Called once on another thread if it has not returned in time; it may return all the same.</param>
    /// <returns>False when too many wait, or the pool has been disposed.</returns>
    public bool TryAdd(TimeSpan deadline, Action<CancellationToken> run, Action? overdue = null)
    {
        lock (_gate)
        {
            if (_stopping || _waiting.Count >= mostWaiting) return false;
            _waiting.Enqueue(new Job(deadline, run, overdue));
            StartThreadIfNeeded();
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Discards waiting jobs; running ones are not awaited.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    private void StartThreadIfNeeded()
    {
        if (_waiting.Count <= _idle || _alive - _stuck >= threads || _alive >= MaximumThreads) return;
        _alive++;
        new Thread(Work, stackSize) { IsBackground = true, Name = name }.Start();
    }

    private void Work()
    {
        while (Next() is { } job) Run(job);
    }

    /// <returns>Null for a thread that should exit.</returns>
    private Job? Next()
    {
        lock (_gate)
        {
            // more: one took our place while we were stuck
            while (!_stopping && _alive - _stuck <= threads)
            {
                if (_waiting.TryDequeue(out var job)) return job;
                _idle++;
                var isWoken = Monitor.Wait(_gate, IdleTimeout);
                _idle--;
                if (!isWoken && _waiting.Count == 0) break;
            }
            _alive--;
            return null;
        }
    }

    private void Run(Job job)
    {
        var isOver = 0; // it has returned, or it is stuck: whichever comes first
        using var deadline = new CancellationTokenSource(job.Deadline);
        using var watch = new Timer(_ =>
        {
            if (Interlocked.Exchange(ref isOver, 1) != 0) return;
            lock (_gate)
            {
                _stuck++;
                StartThreadIfNeeded();
            }
            job.Overdue?.Invoke();
        });
        watch.Change(job.Deadline + patience, Timeout.InfiniteTimeSpan);
        job.Run(deadline.Token);
        if (Interlocked.Exchange(ref isOver, 1) == 0) return;
        lock (_gate) _stuck--;
    }
}
