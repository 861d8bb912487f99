using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Journal;
using Akka.Persistence.Sqlite.Store;
using Microsoft.Data.Sqlite;

namespace Akka.Persistence.Sqlite.Journal;

/// <summary>Events in an SQLite database. Writes of all actors are committed in groups; an acknowledged event is on disk.</summary>
public class SqliteJournal : AsyncWriteJournal
{
    private readonly StoreSettings _settings;
    private readonly Payloads _payloads;
    private readonly GroupCommit _writer;
    private readonly Readers _readers;
    private readonly string _insert, _select, _highest, _delete, _forget, _remember;

    public SqliteJournal(Config journalConfig)
    {
        _settings = new StoreSettings(Self.Path.Name, journalConfig, "event_journal");
        _payloads = new Payloads((ExtendedActorSystem)Context.System);
        var (events, metadata) = (_settings.Table, _settings.MetadataTable);
        _insert = $"INSERT INTO {events} (persistence_id, sequence_nr, timestamp, is_deleted, manifest, payload, tags, serializer_id) VALUES ($0, $1, $2, 0, $3, $4, $5, $6)";
        _select = $"SELECT sequence_nr, is_deleted, manifest, payload, serializer_id, timestamp FROM {events} WHERE persistence_id = $0 AND sequence_nr BETWEEN $1 AND $2 ORDER BY sequence_nr LIMIT $3";
        _highest = $"SELECT max(ifnull((SELECT max(sequence_nr) FROM {events} WHERE persistence_id = $0), 0), ifnull((SELECT max(sequence_nr) FROM {metadata} WHERE persistence_id = $0), 0))";
        _delete = $"DELETE FROM {events} WHERE persistence_id = $0 AND sequence_nr <= $1";
        _forget = $"DELETE FROM {metadata} WHERE persistence_id = $0 AND sequence_nr < $1";
        _remember = $"INSERT OR IGNORE INTO {metadata} (persistence_id, sequence_nr) VALUES ($0, $1)";
        _writer = new GroupCommit(_settings, $"""
            CREATE TABLE IF NOT EXISTS {events} (
                ordering INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                persistence_id VARCHAR(255) NOT NULL,
                sequence_nr INTEGER(8) NOT NULL,
                is_deleted INTEGER(1) NOT NULL,
                manifest VARCHAR(255) NULL,
                timestamp INTEGER NOT NULL,
                payload BLOB NOT NULL,
                tags VARCHAR(2000) NULL,
                serializer_id INTEGER(4),
                UNIQUE (persistence_id, sequence_nr)
            );
            CREATE TABLE IF NOT EXISTS {metadata} (
                persistence_id VARCHAR(255) NOT NULL,
                sequence_nr INTEGER(8) NOT NULL,
                PRIMARY KEY (persistence_id, sequence_nr)
            );
            """);
        _readers = new Readers(_settings);
    }

    protected override void PostStop()
    {
        _readers.Dispose();
        // Last, so that the write-ahead log goes back into the database.
        _writer.Dispose();
        base.PostStop();
    }

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
    {
        var writes = new List<(AtomicWrite Write, Row[] Rows, Exception Rejection)>();
        foreach (var write in messages)
        {
            try
            {
                writes.Add((write, [.. ((IEnumerable<IPersistentRepresentation>)write.Payload).Select(ToRow)], null));
            }
            catch (Exception e)
            {
                // An event that cannot be serialized is the actor's mistake, not the journal's failure.
                writes.Add((write, [], e));
            }
        }
        if (writes.Any(w => w.Rows.Length > 0))
        {
            await _writer.Do(() => $"writing {writes.Sum(w => w.Rows.Length)} events of \"{writes[0].Write.PersistenceId}\"", writes: true, connection =>
            {
                foreach (var (_, rows, _) in writes)
                {
                    foreach (var r in rows)
                        connection.Prepared(_insert, r.Id, r.SequenceNr, r.Timestamp, r.Manifest, r.Payload, r.Tags, r.Serializer).ExecuteNonQuery();
                }
                return true;
            }).ConfigureAwait(false);
        }
        return writes.Any(w => w.Rejection is not null) ? [.. writes.Select(w => w.Rejection)] : null;
    }

    // Through the writer: an actor that was restarted must see what its former self has under way.
    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) =>
        _writer.Do(() => $"reading the highest sequence number of \"{persistenceId}\"", writes: false,
            connection => (long)connection.Prepared(_highest, persistenceId).ExecuteScalar());

    public override Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback) =>
        _readers.Read(() => $"reading events of \"{persistenceId}\"", connection =>
        {
            using var reader = connection.Prepared(_select, persistenceId, fromSequenceNr, toSequenceNr, max).ExecuteReader();
            while (reader.Read()) recoveryCallback(FromRow(persistenceId, reader));
        });

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr) =>
        _writer.Do(() => $"deleting events of \"{persistenceId}\"", writes: true, connection =>
        {
            // Numbers are never used twice, so the highest outlives its event.
            var highest = (long)connection.Prepared(_highest, persistenceId).ExecuteScalar();
            connection.Prepared(_delete, persistenceId, toSequenceNr).ExecuteNonQuery();
            if (highest > 0)
            {
                connection.Prepared(_forget, persistenceId, highest).ExecuteNonQuery();
                connection.Prepared(_remember, persistenceId, highest).ExecuteNonQuery();
            }
            return true;
        });

    /// <summary>For tests: transactions so far.</summary>
    internal long Commits => _writer.Commits;

    private Row ToRow(IPersistentRepresentation e)
    {
        var (payload, tags) = e.Payload is Tagged tagged
            ? (tagged.Payload, tagged.Tags.Count == 0 ? null : $";{string.Join(';', tagged.Tags)};") : (e.Payload, null);
        var (bytes, manifest, serializer) = _payloads.Pack(payload);
        return new Row(e.PersistenceId, e.SequenceNr, e.Timestamp, string.IsNullOrEmpty(e.Manifest) ? manifest : e.Manifest, bytes, tags, serializer);
    }

    private Persistent FromRow(string persistenceId, SqliteDataReader row)
    {
        var manifest = row.IsDBNull(2) ? "" : row.GetString(2);
        var payload = _payloads.Unpack(row.GetFieldValue<byte[]>(3), manifest, row.IsDBNull(4) ? null : row.GetInt32(4));
        return new Persistent(payload, row.GetInt64(0), persistenceId, manifest, row.GetBoolean(1), ActorRefs.NoSender, null, row.GetInt64(5));
    }

    private readonly record struct Row(string Id, long SequenceNr, long Timestamp, string Manifest, byte[] Payload, string Tags, int Serializer);
}

/// <summary>
/// The same journal: ours always commits in groups. The class is there for configurations that name it, and takes
/// max-batch-size, max-buffer-size and max-concurrent-operations as they are documented for it.
/// </summary>
public sealed class BatchingSqliteJournal(Config config) : SqliteJournal(config);
