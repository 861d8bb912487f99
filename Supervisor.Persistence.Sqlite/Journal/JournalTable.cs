using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>The table of events: gives offsets, appends, replays and deletes. On the store's thread only.</summary>
/// <remarks>
/// Columns as in Akka.Persistence.Sqlite, and <c>previous</c>: the offset of the tagged event before. Offsets are given here,
/// in the order of commits; AUTOINCREMENT remembers the highest one when its row is gone.
/// </remarks>
internal sealed class JournalTable : IStoreTable
{
    /// <summary>Of the tables, kept as PRAGMA user_version; a file of Akka.Persistence.Sqlite has none.</summary>
    private const int Version = 2;

    private readonly StoreSettings _settings;
    private readonly BootEpoch _epoch;
    private readonly string _events, _metadata, _insert, _replay, _highest, _delete, _forget, _remember;
    private readonly List<TaggedEvent> _tagged = [];
    private (long Offset, long Tagged) _committed, _now; // the last offset given, and of a tagged event

    public JournalTable(StoreSettings settings, HistoryBounds bounds, string bootId)
    {
        (_settings, _events, _metadata) = (settings, settings.Table, settings.MetadataTable);
        _epoch = new BootEpoch(_events, bootId);
        Stream = new EventStreamTable(_events, _metadata, bounds);
        _insert = $"""
            INSERT INTO {_events}
              (ordering, persistence_id, sequence_nr, is_deleted, manifest, timestamp, payload, tags, serializer_id, previous)
            VALUES ($0, $1, $2, 0, $3, $4, $5, $6, $7, $8)
            """;
        _replay = $"""
            SELECT ordering, 0, persistence_id, sequence_nr, timestamp, manifest, payload, serializer_id FROM {_events}
            WHERE persistence_id = $0 AND sequence_nr BETWEEN $1 AND $2 AND is_deleted = 0 ORDER BY sequence_nr LIMIT $3
            """;
        _highest = $"""
            SELECT max(ifnull((SELECT max(sequence_nr) FROM {_events} WHERE persistence_id = $0), 0),
                       ifnull((SELECT max(sequence_nr) FROM {_metadata} WHERE persistence_id = $0), 0))
            """;
        _delete = $"DELETE FROM {_events} WHERE persistence_id = $0 AND sequence_nr <= $1 AND is_deleted = 0";
        _forget = $"DELETE FROM {_metadata} WHERE persistence_id = $0 AND sequence_nr < $1";
        _remember = $"INSERT OR IGNORE INTO {_metadata} (persistence_id, sequence_nr, ordering) VALUES ($0, $1, $2)";
    }

    /// <summary>The stream of tagged events that is kept in this table.</summary>
    public EventStreamTable Stream { get; }

    /// <summary>How far the stream goes, with what this transaction has written so far.</summary>
    public StreamBounds Bounds => new(Stream.First, _now.Tagged, _now.Offset + 1);

    public void Append(StoreConnection connection, IEnumerable<NewRow> rows)
    {
        foreach (var r in rows)
        {
            var offset = ++_now.Offset;
            var previous = r.Tags is null ? (long?)null : _now.Tagged;
            connection.Run(_insert, offset, r.PersistenceId, r.SequenceNr, r.Manifest, r.Timestamp, r.Payload, r.Tags, r.Serializer, previous);
            if (r.Tags is null) continue;
            _now.Tagged = offset;
            var at = new DateTime(r.Timestamp, DateTimeKind.Utc);
            foreach (var e in r.Events) _tagged.Add(new TaggedEvent(offset, previous!.Value, r.PersistenceId, r.SequenceNr, at, e));
            Stream.Measure(connection, offset, previous!.Value, at, r.Payload.Length + r.PersistenceId.Length + r.Manifest.Length);
        }
    }

    /// <summary>At most <paramref name="max"/> events of one actor.</summary>
    public List<StoredRow> Replay(StoreConnection connection, string persistenceId, long from, long to, long max) =>
        Rows(connection.Prepared(_replay, persistenceId, from, to, max));

    public long Highest(StoreConnection connection, string persistenceId) => connection.Number(_highest, persistenceId) ?? 0;

    /// <summary>What the stream keeps is only marked.</summary>
    public void Delete(StoreConnection connection, string persistenceId, long to)
    {
        var highest = Highest(connection, persistenceId);
        Stream.Keep(connection, persistenceId, to, _now.Tagged);
        connection.Run(_delete, persistenceId, to);
        if (highest == 0) return;
        // Numbers are never used twice, so the highest outlives its event.
        connection.Run(_forget, persistenceId, highest);
        connection.Run(_remember, persistenceId, highest, _now.Offset);
    }

    public void Opened(StoreConnection connection)
    {
        RolledBack();
        if (!_settings.ReadOnly) connection.Syncs = true;
        connection.Transact(_settings.ReadOnly ? "BEGIN" : "BEGIN IMMEDIATE", () =>
        {
            if (_settings.AutoInitialize && !_settings.ReadOnly && !IsPresent(connection)) CreateTables(connection);
            var given = _settings.ReadOnly
                ? connection.Number($"SELECT max(ordering) FROM {_events}") ?? 0
                : _epoch.Enter(connection);
            Stream.Load(connection, _settings.ReadOnly);
            _committed = _now = (given, Stream.LastTagged(connection));
        });
    }

    public void Committed()
    {
        _committed = _now;
        Stream.Committed(_tagged, _now.Tagged, _now.Offset + 1);
        _tagged.Clear();
    }

    public void RolledBack()
    {
        _now = _committed;
        Stream.RolledBack();
        _tagged.Clear();
    }

    public bool Tidy(StoreConnection connection) => !_settings.ReadOnly && Stream.Tidy(connection, _committed.Tagged);

    /// <summary>
    /// Reads what <c>SELECT ordering, previous, persistence_id, sequence_nr, timestamp, manifest, payload, serializer_id</c> finds.
    /// The columns come from SQLite itself, since the provider's getters take most of the time of a replay.
    /// </summary>
    internal static List<StoredRow> Rows(SqliteCommand command)
    {
        using var reader = command.ExecuteReader();
        var rows = new List<StoredRow>();
        var (id, manifest) = ("", "");
        while (reader.Read())
        {
            var row = reader.Handle!;
            id = Text(row, 2, id);
            manifest = Text(row, 5, manifest);
            rows.Add(new StoredRow(
                raw.sqlite3_column_int64(row, 0), raw.sqlite3_column_int64(row, 1), id, raw.sqlite3_column_int64(row, 3),
                raw.sqlite3_column_int64(row, 4), manifest, raw.sqlite3_column_blob(row, 6).ToArray(),
                raw.sqlite3_column_type(row, 7) == raw.SQLITE_NULL ? null : raw.sqlite3_column_int(row, 7)));
        }
        return rows;
    }

    /// <param name="last">The row before usually has the same one.</param>
    private static string Text(sqlite3_stmt row, int column, string last)
    {
        var bytes = raw.sqlite3_column_blob(row, column);
        return Ascii.Equals(bytes, last) ? last : Encoding.UTF8.GetString(bytes);
    }

    private bool IsPresent(StoreConnection connection) =>
        connection.Number("PRAGMA user_version") == Version && connection.Number("SELECT 1 FROM sqlite_master WHERE name = $0", _events) is not null;

    private void CreateTables(StoreConnection connection)
    {
        connection.Run($"""
            CREATE TABLE IF NOT EXISTS {_events} (
                ordering INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                persistence_id VARCHAR(255) NOT NULL,
                sequence_nr INTEGER(8) NOT NULL,
                is_deleted INTEGER(1) NOT NULL,
                manifest VARCHAR(255) NULL,
                timestamp INTEGER NOT NULL,
                payload BLOB NOT NULL,
                tags VARCHAR(2000) NULL,
                serializer_id INTEGER(4),
                previous INTEGER NULL,
                UNIQUE (persistence_id, sequence_nr)
            );
            CREATE TABLE IF NOT EXISTS {_metadata} (
                persistence_id VARCHAR(255) NOT NULL,
                sequence_nr INTEGER(8) NOT NULL,
                ordering INTEGER NULL,
                PRIMARY KEY (persistence_id, sequence_nr)
            );
            CREATE INDEX IF NOT EXISTS {_events}_deleted ON {_events} (ordering) WHERE is_deleted = 1;
            """);
        connection.Run(BootEpoch.Schema);
        connection.Run(EventStreamTable.Schema);
        // A file of Akka.Persistence.Sqlite lacks these two.
        AddColumn(connection, _events, "previous");
        AddColumn(connection, _metadata, "ordering");
        connection.Run($"PRAGMA user_version = {Version}");
    }

    private static void AddColumn(StoreConnection connection, string table, string column)
    {
        if (connection.Number("SELECT 1 FROM pragma_table_info($0) WHERE name = $1", table, column) is null)
            connection.Run($"ALTER TABLE {table} ADD COLUMN {column} INTEGER NULL");
    }
}
