using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Threads;

namespace Supervisor.Shim.Serving;

/// <summary>
/// Blocking work, done by workers: one item at a time per key, in the order of the requests. All methods are called on the
/// loop's thread.
/// </summary>
/// <param name="onDone">Called on the loop's thread after each item.</param>
internal sealed class KeyedWork(EventLoop loop, Action onDone) : IDisposable
{
    private const int MostWaiting = 64, Threads = 6, MostJobs = 10_000;
    private readonly WorkerPool _workers =
        new("worker", Threads, MostJobs, patience: TimeSpan.FromSeconds(5), stackSize: 256 << 10);
    private readonly Dictionary<string, Queue<Action>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Whether no work is running or queued.</summary>
    public bool IsIdle => _waiting.Count == 0;

    /// <param name="work">Runs on a worker. The action that it returns runs on the loop's thread.</param>
    /// <param name="onError">Called on the loop's thread.</param>
    /// <returns>False when too much work is queued for this key.</returns>
    public bool TryAdd(string key, TimeSpan timeout, Func<CancellationToken, Action> work, Action<Exception> onError)
    {
        if (_waiting.TryGetValue(key, out var waiting))
        {
            if (waiting.Count >= MostWaiting) return false;
            waiting.Enqueue(Give);
            return true;
        }
        _waiting[key] = new Queue<Action>();
        Give();
        return true;

        void Give()
        {
            if (!_workers.TryAdd(timeout, Do)) loop.Post(() => Finish(key, () => onError(TooMuch()), onError));
        }

        void Do(CancellationToken deadline)
        {
            Action then;
            try
            {
                then = work(deadline);
            }
            catch (Exception e)
            {
                then = () => onError(e);
            }
            loop.Post(() => Finish(key, then, onError));
        }
    }

    public void Dispose() => _workers.Dispose();

    private static InvalidOperationException TooMuch() => new($"{MostJobs} requests wait already; try again later");

    private void Finish(string key, Action then, Action<Exception> onError)
    {
        try
        {
            then();
        }
        catch (Exception e)
        {
            onError(e); // a reply that could not be sent is replaced by this error
        }
        finally
        {
            if (_waiting[key].TryDequeue(out var next)) next();
            else _waiting.Remove(key);
            onDone();
        }
    }
}
