using System.Collections.Concurrent;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// The actors with events that are acknowledged and wait for the next commit: a read of theirs must not overtake that.
/// </summary>
/// <param name="onFailure">Called with the persistence id and the cause, on any thread.</param>
internal sealed class DeferredWrites(Action<string, Exception> onFailure)
{
    private readonly ConcurrentDictionary<string, int> _pending = new(StringComparer.Ordinal);

    /// <summary>Whether events of this actor wait.</summary>
    public bool Include(string persistenceId) => _pending.ContainsKey(persistenceId);

    /// <param name="write">Completes with the commit.</param>
    public void Add(IReadOnlyList<NewRow> rows, Func<Task> write)
    {
        foreach (var row in rows) _pending.AddOrUpdate(row.PersistenceId, 1, static (_, count) => count + 1);
        _ = FollowAsync(rows, write());
    }

    private async Task FollowAsync(IReadOnlyList<NewRow> rows, Task write)
    {
        try
        {
            await write.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            onFailure(rows[0].PersistenceId, e);
        }
        foreach (var row in rows) Remove(row.PersistenceId);
    }

    private void Remove(string persistenceId)
    {
        while (_pending.TryGetValue(persistenceId, out var count))
            if (count == 1
                ? _pending.TryRemove(KeyValuePair.Create(persistenceId, count))
                : _pending.TryUpdate(persistenceId, count - 1, count)) return;
    }
}
