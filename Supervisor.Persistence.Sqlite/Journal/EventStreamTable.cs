using System.Collections.Immutable;
using Akka.Actor;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// The stream of tagged events: its subscribers, and how much of it is kept. It lives in the rows of the table of events. A row
/// whose actor has deleted it is only marked while the stream keeps it; one that the stream drops stays while its actor needs it.
/// On the store's thread only, but for the subscribers.
/// </summary>
internal sealed class EventStreamTable(string events, string metadata, HistoryBounds bounds, bool readOnly)
{
    private const int PruneAtOnce = 500;

    /// <summary>SQL of the table of segments: one row each, complete when the next one begins.</summary>
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS journal_history (
            first INTEGER PRIMARY KEY NOT NULL,
            at INTEGER NOT NULL,
            events INTEGER NOT NULL,
            bytes INTEGER NOT NULL
        );
        """;

    private readonly string _read = $"""
        SELECT ordering, previous, persistence_id, sequence_nr, timestamp, manifest, payload, serializer_id FROM {events}
        WHERE ordering > $0 AND ordering <= $1 AND tags IS NOT NULL AND instr(tags, $2) > 0 ORDER BY ordering LIMIT $3
        """;

    private ImmutableList<HistorySegment> _committed = [], _now = [];
    private ImmutableArray<IActorRef> _subscribers = [];
    private long _pruned;

    /// <summary>Offset from which on the stream is complete; 0 while nothing was dropped.</summary>
    public long First { get; private set; }

    private bool IsKept => bounds.Count > 0;

    /// <summary>From any thread, and before what is to be seen is committed.</summary>
    public void Subscribe(IActorRef subscriber) => ImmutableInterlocked.Update(ref _subscribers, (all, one) => all.Contains(one) ? all : all.Add(one), subscriber);

    public void Unsubscribe(IActorRef subscriber) => ImmutableInterlocked.Update(ref _subscribers, (all, one) => all.Remove(one), subscriber);

    public void Publish(ImmutableArray<TaggedEvent> committed)
    {
        var message = new TaggedEvents.Committed(committed);
        foreach (var subscriber in _subscribers) subscriber.Tell(message, ActorRefs.NoSender);
    }

    public List<StoredRow> Read(StoreConnection connection, TaggedEvents.Read read) =>
        JournalTable.Rows(connection.Prepared(_read, Math.Max(read.After, First - 1), read.Through, $";{read.Tag};", read.Max));

    /// <summary>Counts an event that was just written, and starts another segment when the last one is full.</summary>
    public void Measure(StoreConnection connection, long offset, DateTime at, long bytes)
    {
        if (!IsKept) return;
        if (_now is [.., var last] && last.Events < bounds.Segment)
        {
            _now = _now.SetItem(_now.Count - 1, last with { Events = last.Events + 1, Bytes = last.Bytes + bytes });
            return;
        }
        if (_now is [.., var full])
            connection.Run("UPDATE journal_history SET events = $1, bytes = $2 WHERE first = $0", full.First, full.Events, full.Bytes);
        connection.Run("INSERT INTO journal_history (first, at, events, bytes) VALUES ($0, $1, 1, $2)", offset, at.Ticks, bytes);
        var longer = _now.Add(new HistorySegment(offset, at, 1, bytes));
        _now = bounds.Keep(longer, at);
        if (_now.Count < longer.Count) connection.Run("DELETE FROM journal_history WHERE first < $0", _now[0].First);
    }

    /// <summary>Marks what an actor deletes and the stream keeps.</summary>
    public void Keep(StoreConnection connection, string persistenceId, long to)
    {
        if (!IsKept) return;
        connection.Run(
            $"UPDATE {events} SET is_deleted = 1 WHERE persistence_id = $0 AND sequence_nr <= $1 AND is_deleted = 0 AND tags IS NOT NULL AND ordering >= $2",
            persistenceId, to, First);
    }

    /// <summary>In the transaction that opens the file.</summary>
    public void Load(StoreConnection connection)
    {
        (_now, _pruned) = ([], 0);
        if (IsKept && !readOnly)
        {
            using (var row = connection.Prepared("SELECT first, at, events, bytes FROM journal_history ORDER BY first").ExecuteReader())
            {
                while (row.Read())
                    _now = _now.Add(new HistorySegment(row.GetInt64(0), new DateTime(row.GetInt64(1), DateTimeKind.Utc), row.GetInt64(2), row.GetInt64(3)));
            }
            // The last one's row says how it began.
            if (_now is [.., var last])
            {
                using var sum = connection.Prepared($"""
                    SELECT count(*), ifnull(sum(length(payload) + length(persistence_id) + length(manifest)), 0)
                    FROM {events} WHERE ordering >= $0 AND tags IS NOT NULL
                    """, last.First).ExecuteReader();
                if (sum.Read()) _now = _now.SetItem(_now.Count - 1, last with { Events = sum.GetInt64(0), Bytes = sum.GetInt64(1) });
            }
        }
        Committed();
    }

    /// <summary>Offset of the last tagged event that is there; 0 for none.</summary>
    public long LastTagged(StoreConnection connection) =>
        connection.Number($"SELECT ordering FROM {events} WHERE tags IS NOT NULL ORDER BY ordering DESC LIMIT 1") ?? 0;

    public void Committed()
    {
        if (ReferenceEquals(_committed, _now)) return;
        _committed = _now;
        First = _now is [{ First: var first }, ..] && first > 1 ? first : 0;
    }

    public void RolledBack() => _now = _committed;

    /// <summary>Removes rows that neither their actor nor the stream needs, a few at a time.</summary>
    public bool Tidy(StoreConnection connection)
    {
        if (readOnly || _pruned >= First) return false;
        connection.Syncs = false;
        connection.Run("BEGIN IMMEDIATE");
        try
        {
            var removed = connection.Run(
                $"DELETE FROM {events} WHERE ordering IN (SELECT ordering FROM {events} WHERE ordering < $0 AND is_deleted = 1 LIMIT {PruneAtOnce})", First);
            // Nothing is left of those, so that their numbers may begin again.
            if (removed < PruneAtOnce)
                connection.Run($"DELETE FROM {metadata} WHERE ordering < $0 AND persistence_id NOT IN (SELECT persistence_id FROM {events})", First);
            connection.Run("COMMIT");
            if (removed < PruneAtOnce) _pruned = First;
            return removed == PruneAtOnce;
        }
        catch
        {
            connection.Run("ROLLBACK");
            throw;
        }
    }
}
