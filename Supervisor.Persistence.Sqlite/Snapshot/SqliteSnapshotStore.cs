using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Snapshot;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Snapshot;

/// <summary>Snapshots in an SQLite database, which may be the journal's: then both share one thread and one connection.</summary>
public sealed class SqliteSnapshotStore : SnapshotStore
{
    private const string Range = "persistence_id = $0 AND sequence_nr BETWEEN $1 AND $2 AND created_at BETWEEN $3 AND $4";
    private readonly StoreAccess _store;
    private readonly Payloads _payloads;
    private readonly string _select, _save, _deleteOne, _deleteRange;

    /// <param name="config">The plugin's section.</param>
    public SqliteSnapshotStore(Config config)
    {
        config = config.WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.SnapshotStoreConfigPath));
        var settings = new StoreSettings(Self.Path.Name, config);
        _payloads = new Payloads((ExtendedActorSystem)Context.System);
        var table = settings.Table;
        _select = $"""
            SELECT sequence_nr, created_at, manifest, payload, serializer_id FROM {table} WHERE {Range}
            ORDER BY sequence_nr DESC LIMIT 1
            """;
        _save = $"""
            INSERT OR REPLACE INTO {table} (persistence_id, sequence_nr, created_at, manifest, payload, serializer_id)
            VALUES ($0, $1, $2, $3, $4, $5)
            """;
        _deleteOne = $"DELETE FROM {table} WHERE persistence_id = $0 AND sequence_nr = $1 AND ($2 = 0 OR created_at = $2)";
        _deleteRange = $"DELETE FROM {table} WHERE {Range}";
        (_store, _) = SqlitePersistence.Get(Context.System).Acquire(settings, () => new SnapshotTable(settings));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _store.Dispose();
        base.PostStop();
    }

    /// <inheritdoc/>
    protected override async Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        var row = await _store.Do(() => $"loading a snapshot of \"{persistenceId}\"", Durability.Read, connection =>
        {
            using var reader = connection.Prepared(_select, InRange(persistenceId, criteria)).ExecuteReader();
            return reader.Read()
                ? new Row(reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3),
                    reader.IsDBNull(4) ? null : reader.GetInt32(4))
                : null;
        }, cancellationToken).ConfigureAwait(false);
        // Not on the store's thread: a large snapshot must not delay others.
        return row is null ? null : new SelectedSnapshot(
            new SnapshotMetadata(persistenceId, row.SequenceNr, new DateTime(row.CreatedAt, DateTimeKind.Utc)),
            _payloads.Unpack(row.Payload, row.Manifest, row.Serializer));
    }

    /// <inheritdoc/>
    protected override async Task SaveAsync(SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken)
    {
        var (bytes, manifest, serializer) = _payloads.Pack(snapshot);
        await _store.Do(() =>
            $"saving a snapshot of \"{metadata.PersistenceId}\"", Durability.Synced, connection => connection.Run(
            _save, metadata.PersistenceId, metadata.SequenceNr, metadata.Timestamp.Ticks, manifest, bytes, serializer),
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override Task DeleteAsync(SnapshotMetadata metadata, CancellationToken cancellationToken) => _store.Do(
        () => $"deleting a snapshot of \"{metadata.PersistenceId}\"", Durability.Unsynced,
        connection => connection.Run(_deleteOne, metadata.PersistenceId, metadata.SequenceNr, metadata.Timestamp.Ticks),
            cancellationToken);

    /// <inheritdoc/>
    protected override Task DeleteAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) => _store.Do(
        () => $"deleting snapshots of \"{persistenceId}\"", Durability.Unsynced,
        connection => connection.Run(_deleteRange, InRange(persistenceId, criteria)), cancellationToken);

    private static object[] InRange(string id, SnapshotSelectionCriteria criteria) =>
        [id, criteria.MinSequenceNr, criteria.MaxSequenceNr, criteria.MinTimestamp.GetValueOrDefault().Ticks,
            criteria.MaxTimeStamp.Ticks];

    private sealed record Row(long SequenceNr, long CreatedAt, string Manifest, byte[] Payload, int? Serializer);
}
