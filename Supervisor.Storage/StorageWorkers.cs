namespace Supervisor.Storage;

/// <summary>
/// Threads for work that blocks on files: never an actor's, never the thread pool's. Each job has a deadline; one that the
/// kernel does not let go of (a dead disk, a hanging network filesystem) costs its own thread, and another takes its place.
/// </summary>
public sealed class StorageWorkers : IDisposable
{
    /// <summary>Threads, stuck ones included.</summary>
    public const int MaximumThreads = 64;

    /// <summary>Jobs waiting for a thread.</summary>
    public const int MaximumWaiting = 10_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly object _gate = new();
    private readonly Queue<Action> _waiting = new();
    private readonly int _threads;
    private readonly CancellationTokenSource _stopping = new();
    private int _alive, _stuck, _idle; // under the gate, as is what waits: an idle thread is there for one job only

    /// <param name="threads">How many when none is stuck.</param>
    public StorageWorkers(int threads) => _threads = threads;

    /// <summary>Runs <paramref name="work"/> on a thread that may block.</summary>
    /// <param name="what">For messages: <c>unpack a layer</c>.</param>
    /// <param name="work">Looks at its token now and then.</param>
    /// <param name="deadline">From the moment that it begins.</param>
    /// <param name="caller">Ends the work early.</param>
    /// <exception cref="StorageException">Too many wait, or the work is stuck.</exception>
    public Task<T> RunAsync<T>(
        string what, Func<CancellationToken, T> work, TimeSpan deadline, CancellationToken caller = default)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
                throw new StorageException(StorageFault.Unavailable, $"cannot {what}: the daemon is stopping");
            if (_waiting.Count >= MaximumWaiting)
                throw new StorageException(
                    StorageFault.Unavailable,
                    $"cannot {what}: {MaximumWaiting} storage operations wait already; try again later");
            _waiting.Enqueue(() => Carry(what, work, deadline, done, caller));
            if (_waiting.Count > _idle) StartThread();
            Monitor.Pulse(_gate);
        }
        return done.Task;
    }

    /// <summary>As above, for work that returns nothing.</summary>
    public Task RunAsync(string what, Action<CancellationToken> work, TimeSpan deadline, CancellationToken caller = default) =>
        RunAsync(what, token => { work(token); return true; }, deadline, caller);

    /// <summary>Lets what waits be; what runs is told to end.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping.Cancel();
            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    private void Carry<T>(
        string what, Func<CancellationToken, T> work, TimeSpan deadline, TaskCompletionSource<T> done, CancellationToken caller)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(caller, _stopping.Token);
        ends.CancelAfter(deadline);
        var stuck = 0;
        using var watch = new Timer(_ =>
        {
            if (Interlocked.Exchange(ref stuck, 1) != 0) return;
            done.TrySetException(TooLong(what, deadline));
            lock (_gate)
            {
                _stuck++;
                if (_waiting.Count > _idle) StartThread();
            }
        });
        watch.Change(deadline + Patience, Timeout.InfiniteTimeSpan);
        try
        {
            done.TrySetResult(work(ends.Token));
        }
        catch (OperationCanceledException) when (!caller.IsCancellationRequested && !_stopping.IsCancellationRequested)
        {
            done.TrySetException(TooLong(what, deadline));
        }
        catch (Exception e)
        {
            done.TrySetException(e);
        }
        if (Interlocked.Exchange(ref stuck, 1) == 0) return;
        lock (_gate) _stuck--;
    }

    private static StorageException TooLong(string what, TimeSpan deadline) =>
        new(StorageFault.DeadlineExceeded, $"cannot {what}: it did not end within {deadline.TotalSeconds:0} s");

    private void StartThread()
    {
        if (_alive - _stuck >= _threads || _alive >= MaximumThreads) return;
        _alive++;
        new Thread(Work) { IsBackground = true, Name = "storage" }.Start();
    }

    private void Work()
    {
        while (Next() is { } job) job();
    }

    /// <returns>Null for a thread that is to end.</returns>
    private Action? Next()
    {
        lock (_gate)
        {
            // more: one took our place while we were stuck
            while (!_stopping.IsCancellationRequested && _alive - _stuck <= _threads)
            {
                if (_waiting.TryDequeue(out var job)) return job;
                _idle++;
                Monitor.Wait(_gate);
                _idle--;
            }
            _alive--;
            return null;
        }
    }
}
