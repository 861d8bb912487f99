using Supervisor.Kernel.Threads;

namespace Supervisor.Storage;

/// <summary>
/// Threads for work that blocks on files: never an actor's, never the thread pool's. A call that is stuck in the kernel (a dead
/// disk, a hanging network file system) gets an error at its deadline.
/// </summary>
/// <param name="threads">How many when none is stuck.</param>
public sealed class StorageWorkers(int threads) : IDisposable
{
    /// <summary>Jobs waiting for a thread.</summary>
    public const int MaximumWaiting = 10_000;

    private readonly WorkerPool _pool = new("storage", threads, MaximumWaiting, patience: TimeSpan.FromSeconds(5));
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Runs <paramref name="work"/> on a thread that may block.</summary>
    /// <param name="what">For messages: <c>unpack a layer</c>.</param>
    /// <param name="work">Checks its token regularly.</param>
    /// <param name="deadline">From the start of the work.</param>
    /// <param name="caller">Ends the work early.</param>
    /// <exception cref="StorageException">Too many wait, or the work is stuck.</exception>
    public Task<T> RunAsync<T>(
        string what, Func<CancellationToken, T> work, TimeSpan deadline, CancellationToken caller = default)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_pool.TryAdd(deadline, Run, () => done.TrySetException(TooLong(what, deadline))))
            throw new StorageException(
                StorageFault.Unavailable, _stopping.IsCancellationRequested ? $"cannot {what}: the daemon is stopping"
                : $"cannot {what}: {MaximumWaiting} storage operations wait already; try again later");
        return done.Task;

        void Run(CancellationToken tooLong)
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(caller, _stopping.Token, tooLong);
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
        }
    }

    /// <summary>As above, for work that returns nothing.</summary>
    public Task RunAsync(string what, Action<CancellationToken> work, TimeSpan deadline, CancellationToken caller = default) =>
        RunAsync(what, token => { work(token); return true; }, deadline, caller);

    /// <summary>Discards waiting work and cancels running work.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _pool.Dispose();
    }

    private static StorageException TooLong(string what, TimeSpan deadline) =>
        new(StorageFault.DeadlineExceeded, $"cannot {what}: it did not end within {deadline.TotalSeconds:0} s");
}
