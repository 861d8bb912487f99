using System.Collections.Immutable;
using Akka.Actor;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// The stream of tagged events: its subscribers, and its retention. It is stored in the table of events. A row that its actor
/// has deleted is only marked while the stream keeps it; one that the stream drops stays while its actor needs it. On the
/// store's thread only.
/// </summary>
internal sealed class EventStreamTable(string events, string metadata, HistoryBounds bounds)
{
    private const int PruneAtOnce = 500;

    /// <summary>SQL of the table of segments: one row each, complete when the next one starts.</summary>
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS journal_history (
            events VARCHAR(255) NOT NULL,
            first INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            at INTEGER NOT NULL,
            count INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            checksum INTEGER NULL,
            PRIMARY KEY (events, first)
        );
        """;

    // Files of Akka.Persistence.Sqlite have rows without a predecessor.
    private readonly string _read = $"""
        SELECT {JournalVerification.EventColumns}, coalesce(previous, (
            SELECT ordering FROM {events} AS before WHERE before.ordering < row.ordering AND tags IS NOT NULL
            ORDER BY ordering DESC LIMIT 1), 0) FROM {events} AS row
        WHERE ordering > $0 AND ordering <= $1 AND tags IS NOT NULL AND instr(tags, $2) > 0 ORDER BY ordering LIMIT $3
        """;

    private readonly HashSet<IActorRef> _subscribers = [];
    private readonly List<IActorRef> _joining = [];
    private ImmutableList<HistorySegment> _committed = [], _now = [];
    private long _pruned;

    /// <summary>Offset from which the stream is complete; 0 while nothing was dropped.</summary>
    public long First { get; private set; }

    /// <summary>
    /// Whether rows have checksums. A damaged row is left out: the next event names a predecessor that the reader has not seen.
    /// </summary>
    public bool Verifies { get; set; }

    private bool IsKept => bounds.Count > 0;

    /// <summary>Subscribes to commits after this transaction.</summary>
    public void Join(IActorRef subscriber) => _joining.Add(subscriber);

    public void Leave(IActorRef subscriber)
    {
        _joining.Remove(subscriber);
        _subscribers.Remove(subscriber);
    }

    public List<StoredRow> Read(StoreConnection connection, TaggedEvents.Read read) =>
        JournalTable.Rows(
            connection.Prepared(Verifies
                ? _read : JournalVerification.WithoutChecksums(_read), Math.Max(read.After, First - 1), read.Through,
                $";{read.Tag};", read.Max), Verifies, static (_, _) => { });

    /// <summary>The begin of the segment that has the first event from a time on; 1 where all events may be.</summary>
    public long Find(DateTime time) =>
        _committed.FindLast(s => s.At <= time)?.First ?? (_committed is [var first, ..] ? first.First : 1);

    /// <summary>Counts an event that was just written, and starts another segment when the last one is full.</summary>
    public void Measure(StoreConnection connection, long offset, long previous, DateTime at, long bytes)
    {
        if (!IsKept) return;
        if (_now is [.., var last] && last.Events < bounds.Segment)
        {
            _now = _now.SetItem(_now.Count - 1, last with { Events = last.Events + 1, Bytes = last.Bytes + bytes });
            return;
        }
        if (_now is [.., var full])
        {
            connection.Run(
                "UPDATE journal_history SET count = $2, bytes = $3, checksum = $4 WHERE events = $0 AND first = $1",
                events, full.First, full.Events, full.Bytes, Checksum(full));
        }
        connection.Run(
            "INSERT INTO journal_history (events, first, previous, at, count, bytes, checksum) VALUES ($0, $1, $2, $3, 1, $4, "
                + "$5)",
            events, offset, previous, at.Ticks, bytes, Checksum(new HistorySegment(offset, previous, at, 1, bytes)));
        var longer = _now.Add(new HistorySegment(offset, previous, at, 1, bytes));
        _now = bounds.Keep(longer, at);
        if (_now.Count < longer.Count)
            connection.Run("DELETE FROM journal_history WHERE events = $0 AND first < $1", events, _now[0].First);
    }

    /// <summary>
    /// Marks the events that an actor deletes and the stream keeps: the history; without one, only the last event, whose offset
    /// the next event needs as its predecessor, also after the file is reopened.
    /// </summary>
    public void Keep(StoreConnection connection, string persistenceId, long to, long lastTagged)
    {
        connection.Run(
            $"""
            UPDATE {events} SET is_deleted = 1, checksum = ~checksum
            WHERE persistence_id = $0 AND sequence_nr <= $1 AND is_deleted = 0 AND tags IS NOT NULL AND ordering >= $2
            """,
            persistenceId, to, IsKept ? First : lastTagged);
    }

    /// <summary>Called in the transaction that opens the file.</summary>
    public void Load(StoreConnection connection, bool readOnly)
    {
        (_now, _pruned) = ([], 0);
        // A history from before it was switched off may lack any of its events when it is switched on again.
        if (!IsKept && !readOnly) connection.Run("DELETE FROM journal_history WHERE events = $0", events);
        if (readOnly && connection.Number("SELECT 1 FROM sqlite_master WHERE name = 'journal_history'") is null) return;
        using (var row = connection.Prepared(
            "SELECT first, previous, at, count, bytes FROM journal_history WHERE events = $0 ORDER BY first", events)
                .ExecuteReader())
        {
            while (row.Read())
            {
                _now = _now.Add(new HistorySegment(
                    row.GetInt64(0), row.GetInt64(1), new DateTime(row.GetInt64(2), DateTimeKind.Utc), row.GetInt64(3),
                        row.GetInt64(4)));
            }
        }
        // The row of the last segment has its start.
        if (_now is [.., var last])
        {
            using var sum = connection.Prepared($"""
                SELECT count(*), ifnull(sum(length(payload) + length(persistence_id) + length(manifest)), 0)
                FROM {events} WHERE ordering >= $0 AND tags IS NOT NULL
                """, last.First).ExecuteReader();
            if (sum.Read()) _now = _now.SetItem(_now.Count - 1, last with { Events = sum.GetInt64(0), Bytes = sum.GetInt64(1) });
        }
        MarkCommitted();
    }

    /// <summary>Offset of the last existing tagged event; 0 for none.</summary>
    public long LastTagged(StoreConnection connection) =>
        connection.Number($"SELECT ordering FROM {events} WHERE tags IS NOT NULL ORDER BY ordering DESC LIMIT 1") ?? 0;

    /// <summary>Notifies the subscribers, and replies to those that subscribed in this commit.</summary>
    /// <param name="tagged">The committed events.</param>
    /// <param name="lastTagged">Offset of the last tagged event.</param>
    /// <param name="next">The lowest offset that is not assigned yet.</param>
    public void Committed(IReadOnlyCollection<TaggedEvent> tagged, long lastTagged, long next)
    {
        MarkCommitted();
        if (tagged.Count > 0 && _subscribers.Count > 0)
        {
            var message = new TaggedEvents.Committed([.. tagged]);
            foreach (var subscriber in _subscribers) subscriber.Tell(message, ActorRefs.NoSender);
        }
        if (_joining.Count == 0) return;
        foreach (var subscriber in _joining)
        {
            _subscribers.Add(subscriber);
            // Sent from this thread, so that it arrives before the first commit that it does not include.
            subscriber.Tell(new TaggedEvents.Subscribed(new StreamBounds(First, lastTagged, next)), ActorRefs.NoSender);
        }
        _joining.Clear();
    }

    public void RolledBack()
    {
        _now = _committed;
        _joining.Clear();
    }

    /// <summary>Removes rows that neither their actor nor the stream needs, a few at a time.</summary>
    public bool Tidy(StoreConnection connection, long lastTagged)
    {
        var first = IsKept ? First : lastTagged;
        if (_pruned >= first) return false;
        var removed = 0;
        connection.Syncs = false;
        connection.Transact("BEGIN IMMEDIATE", () =>
        {
            removed = connection.Run(
                $"""
                DELETE FROM {events}
                WHERE ordering IN (SELECT ordering FROM {events} WHERE ordering < $0 AND is_deleted = 1 LIMIT {PruneAtOnce})
                """, first);
            if (removed == PruneAtOnce || !bounds.ForgetsNumbers) return;
            connection.Run(
                $"""
                DELETE FROM {metadata}
                WHERE ordering < $0 AND NOT EXISTS (SELECT 1 FROM {events} AS e WHERE e.persistence_id = {metadata}.persistence_id)
                """, first);
        });
        if (removed < PruneAtOnce) _pruned = first;
        return removed == PruneAtOnce;
    }

    private long Checksum(HistorySegment segment) => new RowChecksum()
        .Add(events).Add(segment.First).Add(segment.Previous).Add(segment.At.Ticks).Add(segment.Events).Add(segment.Bytes).Value;

    private void MarkCommitted()
    {
        _committed = _now;
        First = _now is [{ Previous: > 0, First: var first }, ..] ? first : 0;
    }
}
