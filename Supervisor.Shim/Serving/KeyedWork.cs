using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Threads;

namespace Supervisor.Shim.Serving;

/// <summary>
/// What may block, done by workers: for one key one thing at a time, in the order in which it was asked for. All calls are the
/// loop's thread's.
/// </summary>
/// <param name="onDone">On the loop's thread, after each thing that was done.</param>
internal sealed class KeyedWork(EventLoop loop, Action onDone) : IDisposable
{
    private const int MostWaiting = 64, Threads = 6, MostJobs = 10_000;
    private readonly WorkerPool _workers = new("worker", Threads, MostJobs, patience: TimeSpan.FromSeconds(5), stackSize: 256 << 10);
    private readonly Dictionary<string, Queue<Action>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Nothing is being done.</summary>
    public bool IsIdle => _waiting.Count == 0;

    /// <param name="work">On a worker. What it gives back is done on the loop's thread.</param>
    /// <param name="onError">On the loop's thread.</param>
    /// <returns>False when too much waits for this key already.</returns>
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
            onError(e); // an answer that could not be sent is answered with that
        }
        finally
        {
            if (_waiting[key].TryDequeue(out var next)) next();
            else _waiting.Remove(key);
            onDone();
        }
    }
}
