using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Snapshot;

/// <summary>The table of snapshots, with the columns of Akka.Persistence.Sqlite.</summary>
internal sealed class SnapshotTable(StoreSettings settings) : IStoreTable
{
    public void Opened(StoreConnection connection)
    {
        if (!settings.AutoInitialize || settings.ReadOnly) return;
        connection.Run($"""
            CREATE TABLE IF NOT EXISTS {settings.Table} (
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

    public void Committed() { }

    public void RolledBack() { }

    public bool Tidy(StoreConnection connection) => false;
}
