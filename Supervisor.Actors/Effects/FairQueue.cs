namespace Supervisor.Actors.Effects;

/// <summary>
/// The queue of work for the workers, by owner. Owners take turns, and each gets at most its share of the workers: one owner's
/// load does not delay the work of the others. For one thread.
/// </summary>
/// <param name="share">Items of one owner that may run at a time.</param>
internal sealed class FairQueue<TOwner, TItem>(int share) where TOwner : notnull
{
    private readonly Dictionary<TOwner, Owner> _owners = [];
    private readonly Queue<TOwner> _ready = new(); // owners with waiting items and room in their share

    private sealed class Owner
    {
        public Queue<TItem> Waiting { get; } = new();
        public int Running { get; set; }
        public bool IsQueued { get; set; }
    }

    /// <summary>Waiting items.</summary>
    public int Count { get; private set; }

    /// <summary>Adds an item behind those of its owner.</summary>
    public void Enqueue(TOwner owner, TItem item)
    {
        if (!_owners.TryGetValue(owner, out var state)) _owners[owner] = state = new Owner();
        state.Waiting.Enqueue(item);
        Count++;
        QueueOwner(owner, state);
    }

    /// <summary>Takes the next item. It counts as running until <see cref="Finish"/>.</summary>
    /// <returns>False when no owner with room in its share has an item.</returns>
    public bool TryDequeue([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out TItem item)
    {
        if (!_ready.TryDequeue(out var owner))
        {
            item = default;
            return false;
        }
        var state = _owners[owner];
        state.IsQueued = false;
        item = state.Waiting.Dequeue();
        Count--;
        state.Running++;
        QueueOwner(owner, state);
        return true;
    }

    /// <summary>An item of this owner finished, or no longer counts.</summary>
    public void Finish(TOwner owner)
    {
        var state = _owners[owner];
        state.Running--;
        if (state is { Running: 0, Waiting.Count: 0 }) _owners.Remove(owner);
        else QueueOwner(owner, state);
    }

    private void QueueOwner(TOwner owner, Owner state)
    {
        if (state.IsQueued || state.Waiting.Count == 0 || state.Running >= share) return;
        state.IsQueued = true;
        _ready.Enqueue(owner);
    }
}
