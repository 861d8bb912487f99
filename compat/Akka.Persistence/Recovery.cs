namespace Akka.Persistence;

/// <summary>What a persistent actor recovers from: which snapshot, and up to which event.</summary>
public sealed class Recovery
{
    public Recovery() : this(null) { }

    public Recovery(SnapshotSelectionCriteria fromSnapshot) : this(fromSnapshot, long.MaxValue) { }

    public Recovery(SnapshotSelectionCriteria fromSnapshot, long toSequenceNr) : this(fromSnapshot, toSequenceNr, long.MaxValue) { }

    /// <param name="fromSnapshot">Null is the latest.</param>
    /// <param name="toSequenceNr">The last event to replay.</param>
    /// <param name="replayMax">How many events to replay at most.</param>
    public Recovery(SnapshotSelectionCriteria fromSnapshot = null, long toSequenceNr = long.MaxValue, long replayMax = long.MaxValue)
    {
        FromSnapshot = fromSnapshot ?? SnapshotSelectionCriteria.Latest;
        ToSequenceNr = toSequenceNr;
        ReplayMax = replayMax;
    }

    public static Recovery Default { get; } = new(SnapshotSelectionCriteria.Latest);

    /// <summary>Neither snapshot nor events; only the highest sequence number is read.</summary>
    public static Recovery None { get; } = new(SnapshotSelectionCriteria.None, 0L);
    public SnapshotSelectionCriteria FromSnapshot { get; }
    public long ToSequenceNr { get; }
    public long ReplayMax { get; }
}

/// <summary>The last message of a recovery, before any command.</summary>
public sealed class RecoveryCompleted
{
    public static readonly RecoveryCompleted Instance = new();

    private RecoveryCompleted() { }

    public override bool Equals(object obj) => obj is RecoveryCompleted;
    public override int GetHashCode() => typeof(RecoveryCompleted).GetHashCode();
}

/// <summary>To a recovering actor: has anything come since the last tick?</summary>
public sealed class RecoveryTick(bool snapshot)
{
    public bool Snapshot { get; } = snapshot;
}

/// <summary>The journal or snapshot store fell silent during a recovery.</summary>
public sealed class RecoveryTimedOutException : Actor.AkkaException
{
    public RecoveryTimedOutException(string message, Exception cause = null) : base(message, cause) { }
}
