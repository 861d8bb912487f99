using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Persistence;

// AwaitingPermit ── permit ──▶ LoadingSnapshot ── snapshot, or none ──▶ Replaying ── RecoverySuccess ──▶ Processing ◀──▶ Persisting
//                                     └───────────── failure, silence ─────────┴──▶ Failed (the actor is being stopped)
// Persisting: a Persist waits for the journal, so commands wait in the internal stash. All commands wait there before Processing.
public abstract partial class Eventsourced
{
    private enum Phase { AwaitingPermit, LoadingSnapshot, Replaying, Processing, Persisting, Failed }

    private Phase _phase = Phase.AwaitingPermit;
    private Recovery _recovery;
    private ICancelable _recoveryTimer;
    private TimeSpan _recoveryTimeout;
    private bool _heardFromJournal;
    private Action<bool> _onTaskEnded;
    private bool _taskRunning;

    // Made once, not for every message.
    private Receive _receiveRecover;
    private Action<bool> _afterCommand, _afterWrite;

    public bool IsRecovering => _phase is Phase.AwaitingPermit or Phase.LoadingSnapshot or Phase.Replaying;
    public bool IsRecoveryFinished => !IsRecovering;

    public override void AroundPreStart()
    {
        if (string.IsNullOrWhiteSpace(PersistenceId))
            throw new InvalidOperationException($"PersistenceId of {GetType()} at {Self.Path} is empty; it names the actor's events and must be unique.");
        // Both are looked up now, so that a missing plugin fails the start and not the first command.
        _ = Journal;
        _ = SnapshotStore;
        Extension.Permitter.Tell(RequestRecoveryPermit.Instance, Self);
        base.AroundPreStart();
    }

    public override void AroundPostRestart(Exception reason, object message)
    {
        Extension.Permitter.Tell(RequestRecoveryPermit.Instance, Self);
        base.AroundPostRestart(reason, message);
    }

    public override void AroundPreRestart(Exception cause, object message)
    {
        _recoveryTimer?.Cancel();
        if (IsRecovering) ReturnPermit();
        try
        {
            _internalStash.UnstashAll();
            Stash?.UnstashAll(UnstashFilterPredicate);
        }
        finally
        {
            // What failed is the event, not the envelope in which the journal brought it back.
            base.AroundPreRestart(cause, message switch
            {
                WriteMessageSuccess success => success.Persistent,
                LoopMessageSuccess loop => loop.Message,
                ReplayedMessage replayed => replayed.Persistent,
                _ => message,
            });
        }
    }

    public override void AroundPostStop()
    {
        _recoveryTimer?.Cancel();
        try
        {
            _internalStash.UnstashAll();
            Stash?.UnstashAll(UnstashFilterPredicate);
        }
        finally
        {
            base.AroundPostStop();
        }
    }

    protected override bool AroundReceive(Receive receive, object message)
    {
        switch (_phase)
        {
            case Phase.AwaitingPermit:
                if (message is RecoveryPermitGranted) StartRecovery();
                else StashInternally(message);
                break;
            case Phase.LoadingSnapshot:
                WhileLoadingSnapshot(message);
                break;
            case Phase.Replaying:
                WhileReplaying(message);
                break;
            case Phase.Failed:
                if (message is not (IJournalResponse or ISnapshotResponse or RecoveryTick)) StashInternally(message);
                break;
            default:
                if (message is IJournalResponse or RecoveryTick && OnJournal(message)) break;
                if (_phase == Phase.Persisting) StashInternally(message);
                else Command(receive, message);
                break;
        }
        return true;
    }

    private void Command(Receive receive, object message) => Guard(() => base.AroundReceive(receive, message), _afterCommand ??= AfterCommand);

    private void Recover(object message) => base.AroundReceive(_receiveRecover ??= ReceiveRecover, message);

    /// <summary>Runs the task on this actor: no other message is handled until it ends; what it persists is written then.</summary>
    protected void RunTask(Func<Task> action)
    {
        var completed = _onTaskEnded;
        var inline = true;
        _taskRunning = true;
        ActorTaskScheduler.RunTask(async () =>
        {
            var failed = true;
            try
            {
                await action();
                failed = false;
            }
            finally
            {
                _taskRunning = false;
                if (!inline) completed?.Invoke(failed);
            }
        });
        inline = false;
    }

    protected override void Unhandled(object message)
    {
        switch (message)
        {
            case RecoveryCompleted:
                break;
            case SaveSnapshotFailure failure:
                Log.Warning("Failed to save snapshot given metadata [{0}] due to: [{1}]", failure.Metadata, failure.Cause.Message);
                break;
            case DeleteSnapshotFailure failure:
                Log.Warning("Failed to delete snapshot given metadata [{0}] due to: [{1}]", failure.Metadata, failure.Cause.Message);
                break;
            case DeleteSnapshotsFailure failure:
                Log.Warning("Failed to delete snapshots given criteria [{0}] due to: [{1}]", failure.Criteria, failure.Cause.Message);
                break;
            case DeleteMessagesFailure failure:
                Log.Warning("Failed to delete messages toSequenceNr [{0}] for persistenceId [{1}] due to: [{2}]", failure.ToSequenceNr, PersistenceId, failure.Cause.Message);
                break;
            default:
                base.Unhandled(message);
                break;
        }
    }

    private void StartRecovery()
    {
        _phase = Phase.LoadingSnapshot;
        _recovery = Recovery;
        _recoveryTimeout = Extension.RecoveryTimeoutOf(JournalPluginId);
        _recoveryTimer = Context.System.Scheduler.ScheduleTellOnceCancelable(_recoveryTimeout, Self, new RecoveryTick(snapshot: true), Self);
        LoadSnapshot(SnapshotterId, _recovery.FromSnapshot, _recovery.ToSequenceNr);
    }

    private void WhileLoadingSnapshot(object message)
    {
        switch (message)
        {
            case LoadSnapshotResult result:
                if (result.Snapshot is { } selected)
                {
                    LastSequenceNr = selected.Metadata.SequenceNr;
                    TryRecover(new SnapshotOffer(selected.Metadata, selected.Snapshot), null);
                }
                if (_phase == Phase.LoadingSnapshot) Replay(result.ToSequenceNr);
                break;
            case LoadSnapshotFailed failed:
                if (Extension.SnapshotConfigFor(SnapshotPluginId).GetBoolean("snapshot-is-optional", false))
                {
                    Log.Info("Snapshot load error for persistenceId [{0}], replaying all events: {1}", PersistenceId, failed.Cause.Message);
                    Replay(_recovery.ToSequenceNr);
                }
                else
                {
                    FailRecovery(failed.Cause, null);
                }
                break;
            case RecoveryTick { Snapshot: true }:
                FailRecovery(new RecoveryTimedOutException($"Recovery of \"{PersistenceId}\" timed out: the snapshot store gave no answer within {_recoveryTimeout.TotalSeconds} s"), null);
                break;
            default:
                StashInternally(message);
                break;
        }
    }

    private void Replay(long toSequenceNr)
    {
        _phase = Phase.Replaying;
        _recoveryTimer.Cancel();
        _recoveryTimer = Context.System.Scheduler.ScheduleTellRepeatedlyCancelable(
            _recoveryTimeout, _recoveryTimeout, Self, new RecoveryTick(snapshot: false), Self);
        Journal.Tell(new ReplayMessages(LastSequenceNr + 1, toSequenceNr, _recovery.ReplayMax, PersistenceId, Self));
    }

    private void WhileReplaying(object message)
    {
        switch (message)
        {
            case ReplayedMessage replayed:
                _heardFromJournal = true;
                LastSequenceNr = replayed.Persistent.SequenceNr;
                TryRecover(replayed.Persistent.Payload, replayed.Persistent.Payload);
                break;
            case RecoverySuccess success:
                _recoveryTimer.Cancel();
                OnReplaySuccess();
                LastSequenceNr = _sequenceNr = Math.Max(LastSequenceNr, success.HighestSequenceNr);
                _phase = Phase.Processing;
                ReturnPermit();
                _internalStash.UnstashAll();
                Guard(() => Recover(RecoveryCompleted.Instance), _afterCommand ??= AfterCommand);
                break;
            case ReplayMessagesFailure failure:
                FailRecovery(failure.Cause, null);
                break;
            case RecoveryTick { Snapshot: false } when _heardFromJournal:
                _heardFromJournal = false;
                break;
            case RecoveryTick { Snapshot: false }:
                FailRecovery(new RecoveryTimedOutException(
                    $"Recovery of \"{PersistenceId}\" timed out: the journal gave no event for {_recoveryTimeout.TotalSeconds} s, highest sequence number seen {LastSequenceNr}"), null);
                break;
            case RecoveryTick:
                break;
            default:
                StashInternally(message);
                break;
        }
    }

    /// <param name="event">What is to blame when it fails.</param>
    private void TryRecover(object message, object @event)
    {
        try
        {
            Recover(message);
        }
        catch (Exception e)
        {
            FailRecovery(e, @event);
        }
    }

    private void FailRecovery(Exception cause, object @event)
    {
        _recoveryTimer.Cancel();
        ReturnPermit();
        _phase = Phase.Failed;
        try
        {
            OnRecoveryFailure(cause, @event);
        }
        finally
        {
            Context.Stop(Self);
        }
    }

    private void ReturnPermit() => Extension.Permitter.Tell(ReturnRecoveryPermit.Instance, Self);

    /// <returns>False if it is not an answer to this instance's writes but an ordinary message.</returns>
    private bool OnJournal(object message)
    {
        switch (message)
        {
            case WriteMessageSuccess m:
                if (m.ActorInstanceId == _instanceId)
                {
                    LastSequenceNr = m.Persistent.SequenceNr;
                    Guard(_pending.Peek().Handle, _afterWrite ??= AfterWrite);
                }
                return true;
            case LoopMessageSuccess m:
                if (m.ActorInstanceId == _instanceId) Guard(_pending.Peek().Handle, _afterWrite ??= AfterWrite);
                return true;
            case WriteMessageRejected m:
                if (m.ActorInstanceId == _instanceId)
                {
                    LastSequenceNr = m.Persistent.SequenceNr;
                    Guard(() => OnPersistRejected(m.Cause, m.Persistent.Payload, m.Persistent.SequenceNr), _afterWrite ??= AfterWrite);
                }
                return true;
            case WriteMessageFailure m:
                if (m.ActorInstanceId == _instanceId)
                {
                    _phase = Phase.Failed;
                    try
                    {
                        OnPersistFailure(m.Cause, m.Persistent.Payload, m.Persistent.SequenceNr);
                    }
                    finally
                    {
                        Context.Stop(Self);
                    }
                }
                return true;
            case WriteMessagesSuccessful:
                _writeInProgress = false;
                Flush();
                return true;
            case WriteMessagesFailed or RecoveryTick:
                return true;
            default:
                return false;
        }
    }

    /// <summary>Runs user code and then what has to follow it: at once, or when the task that the code started has ended.</summary>
    private void Guard(Action run, Action<bool> after)
    {
        _onTaskEnded = after;
        var failed = true;
        try
        {
            run();
            failed = false;
        }
        finally
        {
            if (failed || !_taskRunning) after(failed);
        }
    }

    private void AfterCommand(bool failed)
    {
        Flush();
        if (_stashingPending > 0) _phase = Phase.Persisting;
        else Unstash(failed);
    }

    private void AfterWrite(bool failed)
    {
        if (_pending.TryDequeue(out var pending) && pending.Stashing) _stashingPending--;
        Flush();
        _phase = _stashingPending > 0 ? Phase.Persisting : Phase.Processing;
        if (_phase == Phase.Processing) Unstash(failed);
    }

    private void Unstash(bool all)
    {
        if (all) _internalStash.UnstashAll();
        else _internalStash.Unstash();
    }

    // One request at a time is with the journal, so its answers cannot overtake one another whatever the journal does.
    private void Flush()
    {
        if (_writeInProgress || _batch.Count == 0) return;
        var batch = _batch;
        _batch = [];
        _writeInProgress = true;
        Journal.Tell(new WriteMessages(batch, Self, _instanceId));
    }

    private void StashInternally(object message)
    {
        if (_internalStash.TryStash(message, Sender)) return;
        switch (InternalStashOverflowStrategy)
        {
            case DiscardToDeadLetterStrategy:
                Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
                break;
            case ReplyToStrategy reply:
                Sender.Tell(reply.Response);
                break;
            default:
                throw new StashOverflowException($"\"{PersistenceId}\" cannot put {message.GetType()} aside: its internal stash is full (akka.actor.default-mailbox.stash-capacity)");
        }
    }
}
