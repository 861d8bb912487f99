namespace Akka.Persistence;

public interface ISnapshotMessage : IPersistenceMessage;
public interface ISnapshotRequest : ISnapshotMessage;
public interface ISnapshotResponse : ISnapshotMessage;

/// <summary>Answered by LoadSnapshotResult, whose snapshot is null when none fits, or LoadSnapshotFailed.</summary>
public sealed class LoadSnapshot(string persistenceId, SnapshotSelectionCriteria criteria, long toSequenceNr) : ISnapshotRequest, IEquatable<LoadSnapshot>
{
    public string PersistenceId { get; } = persistenceId;
    public SnapshotSelectionCriteria Criteria { get; } = criteria;

    /// <summary>Of a snapshot; also where the replay that follows ends.</summary>
    public long ToSequenceNr { get; } = toSequenceNr;

    public bool Equals(LoadSnapshot other) => other is not null && PersistenceId == other.PersistenceId
        && Equals(Criteria, other.Criteria) && ToSequenceNr == other.ToSequenceNr;
    public override bool Equals(object obj) => Equals(obj as LoadSnapshot);
    public override int GetHashCode() => HashCode.Combine(PersistenceId, Criteria, ToSequenceNr);
    public override string ToString() => $"LoadSnapshot<pid: {PersistenceId}, toSeqNr: {ToSequenceNr}, criteria: {Criteria}>";
}

public sealed class LoadSnapshotResult(SelectedSnapshot snapshot, long toSequenceNr) : ISnapshotResponse, IEquatable<LoadSnapshotResult>
{
    public SelectedSnapshot Snapshot { get; } = snapshot;
    public long ToSequenceNr { get; } = toSequenceNr;

    public bool Equals(LoadSnapshotResult other) => other is not null && ToSequenceNr == other.ToSequenceNr && Equals(Snapshot, other.Snapshot);
    public override bool Equals(object obj) => Equals(obj as LoadSnapshotResult);
    public override int GetHashCode() => HashCode.Combine(Snapshot, ToSequenceNr);
    public override string ToString() => $"LoadSnapshotResult<toSeqNr: {ToSequenceNr}, snapshot: {Snapshot}>";
}

public sealed class LoadSnapshotFailed(Exception cause) : ISnapshotResponse
{
    public Exception Cause { get; } = cause;

    public override bool Equals(object obj) => obj is LoadSnapshotFailed other && Equals(Cause, other.Cause);
    public override int GetHashCode() => Cause?.GetHashCode() ?? 0;
    public override string ToString() => $"LoadSnapshotFailed<cause: {Cause}>";
}

/// <summary>Answered by SaveSnapshotSuccess or SaveSnapshotFailure.</summary>
public sealed class SaveSnapshot(SnapshotMetadata metadata, object snapshot) : ISnapshotRequest, IEquatable<SaveSnapshot>
{
    public SnapshotMetadata Metadata { get; } = metadata ?? throw new ArgumentNullException(nameof(metadata));
    public object Snapshot { get; } = snapshot;

    public bool Equals(SaveSnapshot other) => other is not null && Equals(Metadata, other.Metadata) && Equals(Snapshot, other.Snapshot);
    public override bool Equals(object obj) => Equals(obj as SaveSnapshot);
    public override int GetHashCode() => HashCode.Combine(Metadata, Snapshot);
    public override string ToString() => $"SaveSnapshot<meta: {Metadata}, snapshot: {Snapshot}>";
}

public sealed class SaveSnapshotSuccess(SnapshotMetadata metadata) : ISnapshotResponse, IEquatable<SaveSnapshotSuccess>
{
    public SnapshotMetadata Metadata { get; } = metadata;

    public bool Equals(SaveSnapshotSuccess other) => other is not null && Equals(Metadata, other.Metadata);
    public override bool Equals(object obj) => Equals(obj as SaveSnapshotSuccess);
    public override int GetHashCode() => Metadata?.GetHashCode() ?? 0;
    public override string ToString() => $"SaveSnapshotSuccess<{Metadata}>";
}

public sealed class SaveSnapshotFailure(SnapshotMetadata metadata, Exception cause) : ISnapshotResponse, IEquatable<SaveSnapshotFailure>
{
    public SnapshotMetadata Metadata { get; } = metadata;
    public Exception Cause { get; } = cause;

    public bool Equals(SaveSnapshotFailure other) => other is not null && Equals(Metadata, other.Metadata) && Equals(Cause, other.Cause);
    public override bool Equals(object obj) => Equals(obj as SaveSnapshotFailure);
    public override int GetHashCode() => HashCode.Combine(Metadata, Cause);
    public override string ToString() => $"SaveSnapshotFailure<meta: {Metadata}, cause: {Cause}>";
}

/// <summary>One snapshot; a timestamp of <see cref="DateTime.MinValue"/> means whatever its time.</summary>
public sealed class DeleteSnapshot(SnapshotMetadata metadata) : ISnapshotRequest, IEquatable<DeleteSnapshot>
{
    public SnapshotMetadata Metadata { get; } = metadata ?? throw new ArgumentNullException(nameof(metadata));

    public bool Equals(DeleteSnapshot other) => other is not null && Equals(Metadata, other.Metadata);
    public override bool Equals(object obj) => Equals(obj as DeleteSnapshot);
    public override int GetHashCode() => Metadata.GetHashCode();
    public override string ToString() => $"DeleteSnapshot<meta: {Metadata}>";
}

public sealed class DeleteSnapshotSuccess(SnapshotMetadata metadata) : ISnapshotResponse, IEquatable<DeleteSnapshotSuccess>
{
    public SnapshotMetadata Metadata { get; } = metadata;

    public bool Equals(DeleteSnapshotSuccess other) => other is not null && Equals(Metadata, other.Metadata);
    public override bool Equals(object obj) => Equals(obj as DeleteSnapshotSuccess);
    public override int GetHashCode() => Metadata?.GetHashCode() ?? 0;
    public override string ToString() => $"DeleteSnapshotSuccess<meta: {Metadata}>";
}

public sealed class DeleteSnapshotFailure(SnapshotMetadata metadata, Exception cause) : ISnapshotResponse, IEquatable<DeleteSnapshotFailure>
{
    public SnapshotMetadata Metadata { get; } = metadata;
    public Exception Cause { get; } = cause;

    public bool Equals(DeleteSnapshotFailure other) => other is not null && Equals(Metadata, other.Metadata) && Equals(Cause, other.Cause);
    public override bool Equals(object obj) => Equals(obj as DeleteSnapshotFailure);
    public override int GetHashCode() => HashCode.Combine(Metadata, Cause);
    public override string ToString() => $"DeleteSnapshotFailure<meta: {Metadata}, cause: {Cause}>";
}

public sealed class DeleteSnapshots(string persistenceId, SnapshotSelectionCriteria criteria) : ISnapshotRequest, IEquatable<DeleteSnapshots>
{
    public string PersistenceId { get; } = persistenceId;
    public SnapshotSelectionCriteria Criteria { get; } = criteria;

    public bool Equals(DeleteSnapshots other) => other is not null && PersistenceId == other.PersistenceId && Equals(Criteria, other.Criteria);
    public override bool Equals(object obj) => Equals(obj as DeleteSnapshots);
    public override int GetHashCode() => HashCode.Combine(PersistenceId, Criteria);
    public override string ToString() => $"DeleteSnapshots<pid: {PersistenceId}, criteria: {Criteria}>";
}

public sealed class DeleteSnapshotsSuccess(SnapshotSelectionCriteria criteria) : ISnapshotResponse, IEquatable<DeleteSnapshotsSuccess>
{
    public SnapshotSelectionCriteria Criteria { get; } = criteria;

    public bool Equals(DeleteSnapshotsSuccess other) => other is not null && Equals(Criteria, other.Criteria);
    public override bool Equals(object obj) => Equals(obj as DeleteSnapshotsSuccess);
    public override int GetHashCode() => Criteria?.GetHashCode() ?? 0;
    public override string ToString() => $"DeleteSnapshotsSuccess<criteria: {Criteria}>";
}

public sealed class DeleteSnapshotsFailure(SnapshotSelectionCriteria criteria, Exception cause) : ISnapshotResponse, IEquatable<DeleteSnapshotsFailure>
{
    public SnapshotSelectionCriteria Criteria { get; } = criteria;
    public Exception Cause { get; } = cause;

    public bool Equals(DeleteSnapshotsFailure other) => other is not null && Equals(Criteria, other.Criteria) && Equals(Cause, other.Cause);
    public override bool Equals(object obj) => Equals(obj as DeleteSnapshotsFailure);
    public override int GetHashCode() => HashCode.Combine(Criteria, Cause);
    public override string ToString() => $"DeleteSnapshotsFailure<criteria: {Criteria}, cause: {Cause}>";
}
