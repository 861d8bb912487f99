using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// An actor with its state in the journal. When a write fails, Akka stops the actor, since it is unknown what was written; the
/// actor publishes <see cref="JournalLost"/>, and the daemon restarts all actors from the journal.
/// </summary>
public abstract class JournalledActor : UntypedPersistentActor
{
    private static readonly Akka.Persistence.Recovery FromEvents = new(SnapshotSelectionCriteria.None);

    /// <summary>From its events: an actor with snapshots overrides it.</summary>
    public override Akka.Persistence.Recovery Recovery => FromEvents;

    /// <summary>Persists a list that may be empty, which Akka's <c>PersistAll</c> refuses.</summary>
    protected void PersistEach<T>(ImmutableArray<T> events, Action<T> handler)
    {
        if (!events.IsEmpty) PersistAll(events, handler);
    }

    /// <summary>As <see cref="PersistEach{T}"/>; commands that arrive in the meantime are handled before it is written.</summary>
    protected void PersistEachAsync<T>(ImmutableArray<T> events, Action<T> handler)
    {
        if (!events.IsEmpty) PersistAllAsync(events, handler);
    }

    /// <summary>Lets the event just persisted be published, now that this actor has applied it.</summary>
    /// <param name="topic">Of the event; null if it is not published.</param>
    protected void ReportApplied(IActorRef publisher, string? topic)
    {
        if (topic is not null) publisher.Tell(new EventApplied(PersistenceId, LastSequenceNr), Self);
    }

    /// <inheritdoc/>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistFailure(cause, @event, sequenceNr);
        Context.System.EventStream.Publish(new JournalLost(PersistenceId, cause));
    }

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        base.OnRecoveryFailure(reason, message);
        if (reason is DamagedEventsException damaged && Tolerate(damaged)) return;
        Context.System.EventStream.Publish(new JournalLost(PersistenceId, reason));
    }

    /// <summary>Some of its events are damaged: it cannot recover, and stops.</summary>
    /// <returns>Whether the daemon can continue without it.</returns>
    protected virtual bool Tolerate(DamagedEventsException damage) => false;
}

/// <summary>A journal write failed: the actor has stopped, and what it manages cannot be changed.</summary>
/// <param name="Cause">Its message says what to do: "the file system is full…".</param>
public sealed record JournalLost(string PersistenceId, Exception Cause)
{
    /// <summary>Why.</summary>
    public string Reason => Cause.Message;

    /// <summary>Whether a retry cannot help: the file is damaged, or is another one.</summary>
    public bool IsPermanent => Cause is JournalUnusableException or DamagedEventsException;
}
