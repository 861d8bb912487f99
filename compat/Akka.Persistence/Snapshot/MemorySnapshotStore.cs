namespace Akka.Persistence.Snapshot;

/// <summary>Keeps snapshots as long as its actor system lives. For tests.</summary>
public class MemorySnapshotStore : SnapshotStore
{
    private readonly Lock _lock = new();
    private readonly List<SelectedSnapshot> _snapshots = [];

    protected override Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        lock (_lock)
        {
            return Task.FromResult(_snapshots.Where(s => s.Metadata.PersistenceId == persistenceId && criteria.Matches(s.Metadata))
                .MaxBy(s => s.Metadata, SnapshotMetadata.Comparer));
        }
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        lock (_lock)
        {
            _snapshots.RemoveAll(s => s.Metadata.PersistenceId == metadata.PersistenceId && s.Metadata.SequenceNr == metadata.SequenceNr);
            _snapshots.Add(new SelectedSnapshot(metadata, snapshot));
        }
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata) => Remove(s => s.PersistenceId == metadata.PersistenceId
        && s.SequenceNr == metadata.SequenceNr && (metadata.Timestamp == DateTime.MinValue || s.Timestamp == metadata.Timestamp));

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Remove(s => s.PersistenceId == persistenceId && criteria.Matches(s));

    private Task Remove(Predicate<SnapshotMetadata> which)
    {
        lock (_lock) _snapshots.RemoveAll(s => which(s.Metadata));
        return Task.CompletedTask;
    }
}
