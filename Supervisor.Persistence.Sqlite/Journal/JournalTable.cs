using System.Text;
using Microsoft.Data.Sqlite;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>The table of events: assigns offsets, appends, replays and deletes. On the store's thread only.</summary>
/// <remarks>
/// Columns as in Akka.Persistence.Sqlite, and <c>previous</c>: the offset of the tagged event before. Offsets are assigned
/// here, in the order of commits; AUTOINCREMENT keeps the highest one after its row is deleted.
/// </remarks>
internal sealed class JournalTable : IStoreTable
{
    /// <summary>The tables' version, kept as PRAGMA user_version; a file of Akka.Persistence.Sqlite has none.</summary>
    private const int Version = 3;

    private readonly StoreSettings _settings;
    private readonly BootEpoch _epoch;
    private readonly JournalWitness? _witness;
    private readonly string _events, _metadata, _insert, _replay, _highest, _delete, _forget, _remember;
    private readonly List<TaggedEvent> _tagged = [];
    private readonly Action<string> _report;
    private bool _verifies;
    private (long Offset, long Tagged) _committed, _now; // the last offset assigned, and the last of a tagged event

    /// <param name="witness">Path of the file with the last offset written; empty for none.</param>
    /// <param name="report">Called with messages for the operator, on any thread.</param>
    public JournalTable(StoreSettings settings, HistoryBounds bounds, string bootId, string witness = "",
        Action<string>? report = null)
    {
        _report = report ?? (_ => { });
        (_settings, _events, _metadata) = (settings, settings.Table, settings.MetadataTable);
        _epoch = new BootEpoch(_events, bootId);
        _witness = witness.Length == 0 || settings.ReadOnly ? null : new JournalWitness(witness, _events, bootId);
        Stream = new EventStreamTable(_events, _metadata, bounds);
        _insert = $"""
            INSERT INTO {_events}
              (ordering, persistence_id, sequence_nr, is_deleted, manifest, timestamp, payload, tags, serializer_id, previous, checksum)
            VALUES ($0, $1, $2, 0, $3, $4, $5, $6, $7, $8, $9)
            """;
        _replay = $"""
            SELECT {JournalVerification.EventColumns}, 0 FROM {_events}
            WHERE persistence_id = $0 AND sequence_nr BETWEEN $1 AND $2 AND is_deleted = 0 ORDER BY sequence_nr LIMIT $3
            """;
        _highest = $"""
            SELECT max(ifnull((SELECT max(sequence_nr) FROM {_events} WHERE persistence_id = $0), 0),
                       ifnull((SELECT max(sequence_nr) FROM {_metadata} WHERE persistence_id = $0), 0))
            """;
        _delete = $"DELETE FROM {_events} WHERE persistence_id = $0 AND sequence_nr <= $1 AND is_deleted = 0";
        _forget = $"DELETE FROM {_metadata} WHERE persistence_id = $0 AND sequence_nr < $1";
        _remember = $"INSERT OR IGNORE INTO {_metadata} (persistence_id, sequence_nr, ordering, checksum) VALUES ($0, $1, $2, "
            + "$3)";
    }

    /// <summary>The stream of tagged events in this table.</summary>
    public EventStreamTable Stream { get; }

    /// <summary>The stream's bounds, with the writes of this transaction so far.</summary>
    public StreamBounds Bounds => new(Stream.First, _now.Tagged, _now.Offset + 1);

    public void Append(StoreConnection connection, IEnumerable<NewRow> rows)
    {
        foreach (var r in rows)
        {
            var offset = ++_now.Offset;
            var previous = r.Tags is null ? (long?)null : _now.Tagged;
            connection.Bound(_insert)
                .Bind(offset).Bind(r.PersistenceId).Bind(r.SequenceNr).Bind(r.Manifest).Bind(r.Timestamp).Bind(r.Payload)
                    .Bind(r.Tags)
                .Bind(r.Serializer).Bind(previous).Bind(JournalVerification.ChecksumOf(offset, r, previous)).Run();
            if (r.Tags is null) continue;
            _now.Tagged = offset;
            var at = new DateTime(r.Timestamp, DateTimeKind.Utc);
            foreach (var e in r.Events)
                _tagged.Add(new TaggedEvent(offset, previous!.Value, r.PersistenceId, r.SequenceNr, at, e));
            Stream.Measure(connection, offset, previous!.Value, at,
                r.Payload.Length + r.PersistenceId.Length + r.Manifest.Length);
        }
    }

    /// <summary>Persistence ids with damaged events, and what is wrong.</summary>
    public IReadOnlyDictionary<string, string> Damaged { get; private set; } = new Dictionary<string, string>();

    /// <summary>At most <paramref name="max"/> events of one actor.</summary>
    /// <exception cref="DamagedEventsException">One of its events is damaged.</exception>
    public List<StoredRow> Replay(StoreConnection connection, string persistenceId, long from, long to, long max)
    {
        CheckDamage(persistenceId);
        return Rows(connection.Prepared(
            _verifies ? _replay : JournalVerification.WithoutChecksums(_replay), persistenceId, from, to, max), _verifies,
            (id, row) => throw new DamagedEventsException(id, Altered(row)));
    }

    /// <exception cref="DamagedEventsException">One of its events is damaged.</exception>
    public long Highest(StoreConnection connection, string persistenceId)
    {
        CheckDamage(persistenceId);
        return connection.Number(_highest, persistenceId) ?? 0;
    }

    /// <summary>Events that the stream keeps are only marked.</summary>
    public void Delete(StoreConnection connection, string persistenceId, long to)
    {
        var highest = Highest(connection, persistenceId);
        Stream.Keep(connection, persistenceId, to, _now.Tagged);
        connection.Run(_delete, persistenceId, to);
        if (highest == 0) return;
        // Numbers are never reused, so the highest outlives its event.
        connection.Run(_forget, persistenceId, highest);
        connection.Run(
            _remember, persistenceId, highest, _now.Offset, new RowChecksum().Add(persistenceId).Add(highest)
                .Add(_now.Offset).Value);
    }

    /// <summary>Removes all events and numbers of the selected actors, in a transaction of its own.</summary>
    /// <param name="replace">See <see cref="JournalFile.Remove"/>.</param>
    public void Remove(
        StoreConnection connection, Func<string, bool> which, Func<IReadOnlySet<string>, ReplacingEvent>? replace)
    {
        // An index entry that is damaged or missing is then no error of DELETE (sqlite.org/src, OP_IdxDelete).
        connection.Run("PRAGMA writable_schema = ON");
        connection.Transact("BEGIN IMMEDIATE", () =>
        {
            var left = new HashSet<string>(Damaged.Keys.Where(id => !which(id)), StringComparer.Ordinal);
            foreach (var (table, isLive) in ((string, string)[])[(_events, "is_deleted = 0"), (_metadata, "0")])
            {
                var rows = new List<long>();
                // Without the index, which may be the damaged part, and by row: a damaged id may be no text that can be compared.
                using (var reader = connection.Prepared($"SELECT rowid, persistence_id, {isLive} FROM {table} NOT INDEXED")
                    .ExecuteReader())
                {
                    while (reader.Read())
                    {
                        var row = new ResultRow(reader);
                        var id = Encoding.UTF8.GetString(row.Bytes(1));
                        if (which(id)) rows.Add(row.Number(0));
                        else if (row.Number(2) == 1) left.Add(id);
                    }
                }
                foreach (var row in rows) connection.Run($"DELETE FROM {table} NOT INDEXED WHERE rowid = $0", row);
            }
            // Rebuilt from the remaining rows; not while it alone knows of others that are lost.
            if (Damaged.Keys.All(which)) connection.Run("REINDEX");
            if (replace?.Invoke(left) is { } only)
                Append(connection, [new NewRow(
                    only.PersistenceId, 1, DateTime.UtcNow.Ticks, only.Manifest, only.Payload, null, only.Serializer, [])]);
        });
        Committed();
        connection.Run("PRAGMA writable_schema = OFF");
    }

    public void Opened(StoreConnection connection)
    {
        RolledBack();
        Damaged = new Dictionary<string, string>();
        if (!_settings.ReadOnly) connection.Syncs = true;
        connection.Transact(_settings.ReadOnly ? "BEGIN" : "BEGIN IMMEDIATE", () =>
        {
            if (_settings.AutoInitialize && !_settings.ReadOnly && !IsPresent(connection)) CreateTables(connection);
            _verifies = connection.Number("SELECT 1 FROM pragma_table_info($0) WHERE name = 'checksum'", _events) is not null;
            Stream.Verifies = _verifies;
            if (_verifies && !_settings.ReadOnly) Verify(connection);
            var given = _settings.ReadOnly
                ? connection.Number($"SELECT max(ordering) FROM {_events}") ?? 0
                : _epoch.Enter(connection);
            Stream.Load(connection, _settings.ReadOnly);
            _committed = _now = (given, Stream.LastTagged(connection));
            _witness?.Open(connection, _settings.File, given);
        });
    }

    public void Committed()
    {
        if (_committed.Offset != _now.Offset) _witness?.Write(_now.Offset);
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

    /// <summary>Reads what <c>SELECT <see cref="JournalVerification.EventColumns"/>, predecessor</c> finds.</summary>
    /// <param name="verifies">Whether they have checksums.</param>
    /// <param name="damaged">Called with the persistence id and offset of a damaged row, which is left out.</param>
    internal static List<StoredRow> Rows(SqliteCommand command, bool verifies, Action<string, long> damaged)
    {
        using var reader = command.ExecuteReader();
        var rows = new List<StoredRow>();
        var (id, manifest) = ("", "");
        while (reader.Read())
        {
            var row = new ResultRow(reader);
            (id, manifest) = (Text(row, 1, id), Text(row, 3, manifest));
            if (verifies && !JournalVerification.IsIntact(row))
            {
                damaged(id, row.Number(0));
                continue;
            }
            rows.Add(new StoredRow(
                row.Number(0), row.Number(11), id, row.Number(2), row.Number(4), manifest, row.Bytes(5).ToArray(),
                row.IsNull(7) ? null : (int)row.Number(7)));
        }
        return rows;
    }

    /// <param name="last">The one of the row before, which is usually the same.</param>
    private static string Text(ResultRow row, int column, string last)
    {
        var bytes = row.Bytes(column);
        return Ascii.Equals(bytes, last) ? last : Encoding.UTF8.GetString(bytes);
    }

    private static string Altered(long row) => $"row {row} does not match its checksum";

    private void CheckDamage(string persistenceId)
    {
        if (Damaged.TryGetValue(persistenceId, out var reason)) throw new DamagedEventsException(persistenceId, reason);
    }

    private void Verify(StoreConnection connection)
    {
        var verification = new JournalVerification(connection, _events, _metadata);
        if (verification.Run())
            _report($"an index of \"{_settings.File}\" was damaged, and is rebuilt: no event is lost");
        Damaged = verification.Damaged;
        foreach (var (id, reason) in Damaged) _report($"\"{_settings.File}\": the journal of \"{id}\" is damaged: {reason}");
    }

    private bool IsPresent(StoreConnection connection) =>
        connection.Number("PRAGMA user_version") == Version
            && connection.Number("SELECT 1 FROM sqlite_master WHERE name = $0", _events) is not null;

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
                checksum INTEGER NULL,
                UNIQUE (persistence_id, sequence_nr)
            );
            CREATE TABLE IF NOT EXISTS {_metadata} (
                persistence_id VARCHAR(255) NOT NULL,
                sequence_nr INTEGER(8) NOT NULL,
                ordering INTEGER NULL,
                checksum INTEGER NULL,
                PRIMARY KEY (persistence_id, sequence_nr)
            );
            CREATE INDEX IF NOT EXISTS {_events}_deleted ON {_events} (ordering) WHERE is_deleted = 1;
            """);
        connection.Run(BootEpoch.Schema);
        connection.Run(EventStreamTable.Schema);
        // A file of Akka.Persistence.Sqlite lacks these two.
        AddColumn(connection, _events, "previous");
        AddColumn(connection, _metadata, "ordering");
        foreach (var table in (string[])[_events, _metadata, "journal_epochs", "journal_history"])
            AddColumn(connection, table, "checksum");
        JournalVerification.AddChecksums(connection, _events, _metadata);
        connection.Run($"PRAGMA user_version = {Version}");
    }

    private static void AddColumn(StoreConnection connection, string table, string column)
    {
        if (connection.Number("SELECT 1 FROM pragma_table_info($0) WHERE name = $1", table, column) is null)
            connection.Run($"ALTER TABLE {table} ADD COLUMN {column} INTEGER NULL");
    }
}
