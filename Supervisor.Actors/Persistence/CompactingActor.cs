using Akka.Persistence;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// An actor that replaces its events by one with its whole state after a number of them, so that its journal does not grow
/// without limit.
/// </summary>
public abstract class CompactingActor : JournalledActor
{
    private long _compactedAt;

    /// <summary>To be called when the event with the whole state is replayed.</summary>
    protected void OnCompactionReplayed() => _compactedAt = LastSequenceNr;

    /// <param name="every">After how many events.</param>
    /// <param name="compacted">The event with the whole state.</param>
    protected void CompactIfLong<T>(int every, Func<T> compacted)
    {
        if (LastSequenceNr - _compactedAt < every) return;
        _compactedAt = LastSequenceNr;
        // Not Persist: within DeferAsync's handler Akka would wait for a write that may be done already, and handle no more
        // commands.
        PersistAsync(compacted(), _ =>
        {
            _compactedAt = LastSequenceNr;
            DeleteMessages(LastSequenceNr - 1);
        });
    }

    /// <inheritdoc/>
    protected override void Unhandled(object message)
    {
        // The next compaction deletes what this one could not.
        if (message is not (DeleteMessagesSuccess or DeleteMessagesFailure)) base.Unhandled(message);
    }
}
