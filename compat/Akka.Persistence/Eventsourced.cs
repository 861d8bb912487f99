using System.Collections.Immutable;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Persistence;

/// <summary>
/// Base of persistent actors. This part is what an actor may call; the life cycle is in Eventsourced.Lifecycle.cs.
/// Order of events: an actor's events are written in the order of the calls, its handlers run in that order too, and a
/// deferred handler runs in its place between them. After a Persist (not PersistAsync) no further command is handled until
/// its handler has run.
/// </summary>
public abstract partial class Eventsourced : ActorBase, IWithUnboundedStash
{
    /// <summary>What of the user's stash goes back to the mailbox at a restart: not the journal's answers to the former self.</summary>
    public static readonly Func<Envelope, bool> UnstashFilterPredicate =
        envelope => envelope.Message is not (WriteMessageSuccess or ReplayedMessage);

    private static int _instances;
    private readonly int _instanceId = Interlocked.Increment(ref _instances);
    private string _writerGuid; // made by the first write: most of those that recover write nothing for long
    private readonly InternalStash _internalStash;

    // Handlers in order of their calls. A command's writes are collected, and sent together when it has been handled.
    private readonly Queue<Pending> _pending = [];
    private List<IPersistentEnvelope> _batch = [];
    private int _stashingPending;
    private bool _writeInProgress;
    private long _sequenceNr;
    private IActorRef _journal;
    private IActorRef _snapshotStore;
    private ILoggingAdapter _log;

    protected Eventsourced()
    {
        Extension = Persistence.Instance.Apply(Context.System);
        _internalStash = new InternalStash((ActorCell)Context, Extension.StashCapacity);
    }

    protected PersistenceExtension Extension { get; }
    protected virtual ILoggingAdapter Log => _log ??= Context.GetLogger();

    /// <summary>Names the actor's events for good; unique among all live persistent actors of a journal.</summary>
    public abstract string PersistenceId { get; }

    /// <summary>Path of the journal's section; empty is the configured default.</summary>
    public string JournalPluginId { get; protected set; } = "";
    public string SnapshotPluginId { get; protected set; } = "";
    public IActorRef Journal => _journal ??= Extension.JournalFor(JournalPluginId);
    public IActorRef SnapshotStore => _snapshotStore ??= Extension.SnapshotStoreFor(SnapshotPluginId);
    public virtual Recovery Recovery => Recovery.Default;
    public virtual IStashOverflowStrategy InternalStashOverflowStrategy => Extension.DefaultInternalStashOverflowStrategy;
    public IStash Stash { get; set; }
    public string SnapshotterId => PersistenceId;

    /// <summary>Of the last event whose handler has run, or that was replayed; after recovery, the highest ever written.</summary>
    public long LastSequenceNr { get; private set; }

    public long SnapshotSequenceNr => LastSequenceNr;

    protected abstract bool ReceiveRecover(object message);
    protected abstract bool ReceiveCommand(object message);

    /// <summary>Writes the event, then runs the handler. Commands that come meanwhile wait.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void Persist<TEvent>(TEvent @event, Action<TEvent> handler)
    {
        ThrowIfRecovering();
        AddPending(@event, handler, stashing: true);
        _batch.Add(new AtomicWrite(Represent(@event)));
    }

    /// <summary>Writes all events or none, then runs the handler for each. No events: nothing happens.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void PersistAll<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler) => PersistMany(events, handler, stashing: true);

    /// <summary>As <see cref="Persist{TEvent}"/>, but commands that come meanwhile are handled meanwhile.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void PersistAsync<TEvent>(TEvent @event, Action<TEvent> handler)
    {
        ThrowIfRecovering();
        AddPending(@event, handler, stashing: false);
        _batch.Add(new AtomicWrite(Represent(@event)));
    }

    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void PersistAllAsync<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler) => PersistMany(events, handler, stashing: false);

    /// <summary>Runs the handler when those of all earlier Persist… calls have run; now if there are none. Nothing is written.</summary>
    /// <exception cref="InvalidOperationException">The actor is recovering.</exception>
    public void DeferAsync<TEvent>(TEvent evt, Action<TEvent> handler)
    {
        ThrowIfRecovering();
        if (_pending.Count == 0)
        {
            handler(evt);
            return;
        }
        AddPending(evt, handler, stashing: false);
        _batch.Add(new NonPersistentMessage(evt, Sender));
    }

    /// <summary>Deletes all events up to and with this one. Answered to this actor by DeleteMessagesSuccess or DeleteMessagesFailure.</summary>
    public void DeleteMessages(long toSequenceNr)
    {
        if (toSequenceNr == long.MaxValue || toSequenceNr <= LastSequenceNr)
            Journal.Tell(new DeleteMessagesTo(PersistenceId, toSequenceNr, Self));
        else
            Self.Tell(new DeleteMessagesFailure(
                new InvalidOperationException($"Cannot delete up to {toSequenceNr}: the last event of \"{PersistenceId}\" is {LastSequenceNr}."), toSequenceNr));
    }

    public void LoadSnapshot(string persistenceId, SnapshotSelectionCriteria criteria, long toSequenceNr) =>
        SnapshotStore.Tell(new LoadSnapshot(persistenceId, criteria, toSequenceNr));

    /// <summary>Answered to this actor by SaveSnapshotSuccess or SaveSnapshotFailure.</summary>
    public void SaveSnapshot(object snapshot) =>
        SnapshotStore.Tell(new SaveSnapshot(new SnapshotMetadata(SnapshotterId, SnapshotSequenceNr, DateTime.UtcNow), snapshot));

    /// <summary>Answered to this actor by DeleteSnapshotSuccess or DeleteSnapshotFailure.</summary>
    public void DeleteSnapshot(long sequenceNr) =>
        SnapshotStore.Tell(new DeleteSnapshot(new SnapshotMetadata(SnapshotterId, sequenceNr, DateTime.MinValue)));

    /// <summary>Answered to this actor by DeleteSnapshotsSuccess or DeleteSnapshotsFailure.</summary>
    public void DeleteSnapshots(SnapshotSelectionCriteria criteria) => SnapshotStore.Tell(new DeleteSnapshots(SnapshotterId, criteria));

    /// <summary>Called when the recovery cannot go on; the actor stops after it. The message is the event that failed, if one did.</summary>
    protected virtual void OnRecoveryFailure(Exception reason, object message = null)
    {
        if (message is null)
            Log.Error(reason, "Exception in ReceiveRecover when replaying, last sequence number [{0}] for persistenceId [{1}]: {2}", LastSequenceNr, PersistenceId, reason.Message);
        else
            Log.Error(reason, "Exception in ReceiveRecover when replaying event type [{0}] with sequence number [{1}] for persistenceId [{2}]: {3}",
                message.GetType(), LastSequenceNr, PersistenceId, reason.Message);
    }

    /// <summary>Called when it is not known that the event was written; the actor stops after it.</summary>
    protected virtual void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        Log.Error(cause, "Failed to persist event type [{0}] with sequence number [{1}] for persistenceId [{2}]: {3}",
            @event.GetType(), sequenceNr, PersistenceId, cause.Message);

    /// <summary>Called when the journal refused the event, whose handler will not run; the actor goes on.</summary>
    protected virtual void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        Log.Warning("Rejected to persist event type [{0}] with sequence number [{1}] for persistenceId [{2}] due to [{3}]",
            @event.GetType(), sequenceNr, PersistenceId, cause.Message);

    protected virtual void OnReplaySuccess() { }

    private void PersistMany<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler, bool stashing)
    {
        ThrowIfRecovering();
        if (events is null) return;
        var write = ImmutableList.CreateBuilder<IPersistentRepresentation>();
        foreach (var e in events)
        {
            AddPending(e, handler, stashing);
            write.Add(Represent(e));
        }
        if (write.Count > 0) _batch.Add(new AtomicWrite(write.ToImmutable()));
    }

    private Persistent Represent(object @event) => new(@event, ++_sequenceNr, PersistenceId, sender: Sender, writerGuid: _writerGuid ??= Guid.NewGuid().ToString());

    private void AddPending<TEvent>(TEvent @event, Action<TEvent> handler, bool stashing)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (stashing) _stashingPending++;
        _pending.Enqueue(new Pending(() => handler(@event), stashing));
    }

    private void ThrowIfRecovering()
    {
        if (IsRecovering)
            throw new InvalidOperationException("Cannot persist during replay. Events can be persisted when receiving RecoveryCompleted or later.");
    }

    private readonly record struct Pending(Action Handle, bool Stashing);
}
