using Microsoft.Data.Sqlite;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>What a request needs of its commit.</summary>
internal enum Durability
{
    /// <summary>It only reads.</summary>
    Read,

    /// <summary>
    /// It may wait for the next commit, which then includes it at no cost of its own; a kill of this process until then loses
    /// it. It is never committed after what was requested later, except for reads.
    /// </summary>
    Deferred,

    /// <summary>It survives a kill of this process, and may be lost, with everything after it, in a power loss.</summary>
    Unsynced,

    /// <summary>It survives a power loss once it is answered.</summary>
    Synced,
}

/// <summary>One request to the store's thread.</summary>
/// <param name="settings">The calling plugin's.</param>
/// <param name="table">The table that must be open before; null for none.</param>
/// <param name="doing">For messages: "writing 3 events of x".</param>
/// <param name="durability">What it needs of its commit.</param>
internal abstract class StoreRequest(StoreSettings settings, IStoreTable? table, Func<string> doing, Durability durability)
{
    private const int Waiting = 0, Running = 1, Cancelled = 2;
    private int _state;

    public IStoreTable? Table { get; } = table;

    public Durability Durability { get; } = durability;

    /// <summary>Marks it as running: false if it was cancelled. After that it cannot be cancelled.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _state, Running, Waiting) != Cancelled;

    /// <summary>Cancels it: true if it was still waiting, and so never runs.</summary>
    protected bool TryCancel() => Interlocked.CompareExchange(ref _state, Cancelled, Waiting) == Waiting;

    public abstract void Run(StoreConnection connection);

    /// <summary>It was carried out and committed. What waits for it continues on this thread, which is not the store's.</summary>
    public abstract void Finish();

    /// <summary>It was not carried out.</summary>
    public void Fail(Exception cause)
    {
        var failure = cause is SqliteException sqlite ? StoreException.From(doing(), settings, sqlite) : cause;
        ThreadPool.UnsafeQueueUserWorkItem(_ => FailWith(failure), null);
    }

    protected abstract void FailWith(Exception failure);
}

/// <summary>A request with its result.</summary>
internal sealed class StoreRequest<T>(
    StoreSettings settings, IStoreTable? table, Func<string> doing, Durability durability, Func<StoreConnection, T> work)
    : StoreRequest(settings, table, doing, durability)
{
    private readonly TaskCompletionSource<T> _done = new(); // completed on the pool, never on the store's thread
    private T _result = default!;

    /// <summary>
    /// Completes after the commit. A cancelled request that still waits is never carried out; a running one completes with its
    /// result.
    /// </summary>
    public async Task<T> ResultAsync(CancellationToken cancellation)
    {
        await using var registration = cancellation.Register(() =>
        {
            if (TryCancel()) _done.TrySetCanceled(cancellation);
        }).ConfigureAwait(false);
        return await _done.Task.ConfigureAwait(false);
    }

    public override void Run(StoreConnection connection) => _result = work(connection);

    public override void Finish() => _done.TrySetResult(_result);

    protected override void FailWith(Exception failure) => _done.TrySetException(failure);
}
