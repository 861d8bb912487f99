using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Snapshot;
using Akka.Persistence.Sqlite.Store;

namespace Akka.Persistence.Sqlite.Snapshot;

/// <summary>Snapshots in an SQLite database, which may be the journal's.</summary>
public class SqliteSnapshotStore : SnapshotStore
{
    private const string Range = "persistence_id = $0 AND sequence_nr BETWEEN $1 AND $2 AND created_at BETWEEN $3 AND $4";
    private readonly Payloads _payloads;
    private readonly GroupCommit _writer;
    private readonly string _select, _save, _deleteOne, _deleteRange;

    public SqliteSnapshotStore(Config snapshotConfig)
    {
        var settings = new StoreSettings(Self.Path.Name, snapshotConfig, "snapshot");
        _payloads = new Payloads((ExtendedActorSystem)Context.System);
        var table = settings.Table;
        _select = $"SELECT sequence_nr, created_at, manifest, payload, serializer_id FROM {table} WHERE {Range} ORDER BY sequence_nr DESC LIMIT 1";
        _save = $"INSERT OR REPLACE INTO {table} (persistence_id, sequence_nr, created_at, manifest, payload, serializer_id) VALUES ($0, $1, $2, $3, $4, $5)";
        _deleteOne = $"DELETE FROM {table} WHERE persistence_id = $0 AND sequence_nr = $1 AND ($2 = 0 OR created_at = $2)";
        _deleteRange = $"DELETE FROM {table} WHERE {Range}";
        _writer = new GroupCommit(settings, $"""
            CREATE TABLE IF NOT EXISTS {table} (
                persistence_id VARCHAR(255) NOT NULL,
                sequence_nr INTEGER(8) NOT NULL,
                created_at INTEGER(8) NOT NULL,
                manifest VARCHAR(255) NOT NULL,
                payload BLOB NOT NULL,
                serializer_id INTEGER(4),
                PRIMARY KEY (persistence_id, sequence_nr)
            );
            """);
    }

    protected override void PostStop()
    {
        _writer.Dispose();
        base.PostStop();
    }

    protected override async Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var row = await _writer.Do(() => $"loading a snapshot of \"{persistenceId}\"", writes: false, connection =>
        {
            using var reader = connection.Prepared(_select, InRange(persistenceId, criteria)).ExecuteReader();
            return reader.Read()
                ? new Row(reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3), reader.IsDBNull(4) ? null : reader.GetInt32(4))
                : null;
        }).ConfigureAwait(false);
        // Not on the writer's thread: a large snapshot must not hold up the others.
        return row is null ? null : new SelectedSnapshot(
            new SnapshotMetadata(persistenceId, row.SequenceNr, new DateTime(row.CreatedAt, DateTimeKind.Utc)),
            _payloads.Unpack(row.Payload, row.Manifest, row.Serializer));
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        var (bytes, manifest, serializer) = _payloads.Pack(snapshot);
        return _writer.Do(() => $"saving a snapshot of \"{metadata.PersistenceId}\"", writes: true, connection => connection.Prepared(
            _save, metadata.PersistenceId, metadata.SequenceNr, metadata.Timestamp.Ticks, manifest, bytes, serializer).ExecuteNonQuery());
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata) =>
        _writer.Do(() => $"deleting a snapshot of \"{metadata.PersistenceId}\"", writes: true, connection =>
            connection.Prepared(_deleteOne, metadata.PersistenceId, metadata.SequenceNr, metadata.Timestamp.Ticks).ExecuteNonQuery());

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        _writer.Do(() => $"deleting snapshots of \"{persistenceId}\"", writes: true, connection =>
            connection.Prepared(_deleteRange, InRange(persistenceId, criteria)).ExecuteNonQuery());

    private static object[] InRange(string id, SnapshotSelectionCriteria criteria) =>
        [id, criteria.MinSequenceNr, criteria.MaxSequenceNr, criteria.MinTimestamp.GetValueOrDefault().Ticks, criteria.MaxTimeStamp.Ticks];

    private sealed record Row(long SequenceNr, long CreatedAt, string Manifest, byte[] Payload, int? Serializer);
}
