using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// An actor whose truth is in the journal. When the journal fails, Akka stops the actor, since nobody knows any more what is
/// written; that is told (<see cref="JournalLost"/>), and the daemon starts all of its actors anew from what is.
/// </summary>
public abstract class JournalledActor : UntypedPersistentActor
{
    private static readonly Akka.Persistence.Recovery FromEvents = new(SnapshotSelectionCriteria.None);

    /// <summary>From its events: who makes snapshots overrides it.</summary>
    public override Akka.Persistence.Recovery Recovery => FromEvents;

    /// <summary>Persists what there is: Akka's <c>PersistAll</c> refuses an empty list.</summary>
    protected void PersistEach<T>(ImmutableArray<T> events, Action<T> handler)
    {
        if (!events.IsEmpty) PersistAll(events, handler);
    }

    /// <summary>As <see cref="PersistEach{T}"/>; commands that come meanwhile are handled before it is written.</summary>
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

    /// <summary>Some of its events are not as they were written: it cannot be what it was, and stops.</summary>
    /// <returns>Whether the daemon can go on without it.</returns>
    protected virtual bool Tolerate(DamagedEventsException damage) => false;
}

/// <summary>
/// Something could not be journalled: the actor concerned has stopped, and with it what it stands for cannot be changed.
/// </summary>
/// <param name="Cause">Its message says what to do: "the file system is full…".</param>
public sealed record JournalLost(string PersistenceId, Exception Cause)
{
    /// <summary>Why.</summary>
    public string Reason => Cause.Message;

    /// <summary>Whether it will be so however often it is tried: the file is damaged, or another one.</summary>
    public bool Stays => Cause is JournalUnusableException or DamagedEventsException;
}
