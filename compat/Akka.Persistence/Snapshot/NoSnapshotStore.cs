namespace Akka.Persistence.Snapshot;

/// <summary>In use when no store is configured: there never is a snapshot, and saving one fails.</summary>
public sealed class NoSnapshotStore : SnapshotStore
{
    protected override Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Task.FromResult<SelectedSnapshot>(null);

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot) => Task.FromException(No());
    protected override Task DeleteAsync(SnapshotMetadata metadata) => Task.FromException(No());
    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) => Task.FromException(No());

    private static NoSnapshotStoreException No() =>
        new("No snapshot store is configured; set akka.persistence.snapshot-store.plugin, or SnapshotPluginId of the actor.");

    public class NoSnapshotStoreException : Exception
    {
        public NoSnapshotStoreException(string message) : base(message) { }
    }
}
