namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>What a request needs of the commit that carries it.</summary>
internal enum Durability
{
    /// <summary>It only reads.</summary>
    Read,

    /// <summary>It survives the death of this process, and may be lost, with everything after it, when the machine loses power.</summary>
    Unsynced,

    /// <summary>It survives a loss of power once it is answered.</summary>
    Synced,
}

/// <summary>One request to the store's thread.</summary>
internal abstract class StoreRequest(Func<string> doing, Durability durability)
{
    private const int Waiting = 0, Running = 1, Cancelled = 2;
    private int _state;

    /// <summary>For messages: "writing 3 events of x".</summary>
    public Func<string> Doing { get; } = doing;

    public Durability Durability { get; } = durability;

    /// <summary>Whether it may run: false once it was cancelled. From then on it is not cancelled any more.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _state, Running, Waiting) != Cancelled;

    /// <summary>Whether it was still waiting: then it never runs.</summary>
    protected bool TryCancel() => Interlocked.CompareExchange(ref _state, Cancelled, Waiting) == Waiting;

    public abstract void Run(StoreConnection connection);

    /// <param name="failure">Null when it is carried out and committed.</param>
    public abstract void Finish(Exception? failure);
}

/// <summary>A request with its answer.</summary>
internal sealed class StoreRequest<T>(Func<string> doing, Durability durability, Func<StoreConnection, T> work) : StoreRequest(doing, durability)
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _result = default!;

    /// <summary>
    /// Completes after the commit. A cancelled request that still waits is never carried out; one that runs is answered with
    /// what became of it.
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

    public override void Finish(Exception? failure)
    {
        if (failure is null) _done.TrySetResult(_result);
        else _done.TrySetException(failure);
    }
}
