using Akka.Actor.Internal;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

// Creation, failure, restart, stop. A failing actor suspends itself and its children, tells its parent, and waits.
public partial class ActorCell
{
    private IActorRef _failedBy;
    private List<SystemMessage> _stashedWhileWaiting;

    internal void SystemInvoke(SystemMessage message)
    {
        // An actor that waits for children to die before it restarts must not change its mind half way.
        if (message is Create or Recreate or Akka.Dispatch.SysMsg.Suspend or Akka.Dispatch.SysMsg.Resume && _children is { IsNormal: false, IsTerminating: false })
        {
            (_stashedWhileWaiting ??= []).Add(message);
            return;
        }
        try
        {
            switch (message)
            {
                case Create create: CreateActor(create.Failure); break;
                case ActorTaskStep step: TaskScheduler.Execute(step.Task); break;
                case ActorTaskEnded ended: EndAwait(ended.Task); break;
                case Failed failed: HandleFailed(failed); break;
                case DeathWatchNotification death: WatchedActorTerminated(death); break;
                case Watch watch: AddWatcher(watch.Watchee, watch.Watcher); break;
                case Unwatch unwatch: RemoveWatcher(unwatch.Watchee, unwatch.Watcher); break;
                case Recreate recreate: FaultRecreate(recreate.Cause); break;
                case Akka.Dispatch.SysMsg.Suspend: FaultSuspend(); break;
                case Akka.Dispatch.SysMsg.Resume resume: FaultResume(resume.CausedByFailure); break;
                case Terminate: TerminateCell(); break;
            }
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            HandleInvokeFailure(e);
        }
    }

    public void Restart(Exception cause) => SendSystemMessage(new Recreate(cause));
    public void Suspend() => SendSystemMessage(new Akka.Dispatch.SysMsg.Suspend());
    public void Resume(Exception causedByFailure) => SendSystemMessage(new Akka.Dispatch.SysMsg.Resume(causedByFailure));
    public void Stop() => SendSystemMessage(new Terminate());

    private void CreateActor(ActorInitializationException failure)
    {
        if (failure is not null) throw failure;
        try
        {
            _actor = NewActor();
            _actor.AroundPreStart();
            CheckReceiveTimeout();
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            ClearActor();
            var cause = e is TypeLoadException { InnerException: { } inner } and { Message: var m } && m.StartsWith("Error while creating actor instance", StringComparison.Ordinal) ? inner : e;
            throw new ActorInitializationException(Self, "Exception during creation", cause is MissingMethodException ? e : cause);
        }
    }

    private ActorBase NewActor()
    {
        _behavior = null;
        _behaviors = null;
        var outer = _current;
        _current = this;
        try
        {
            var actor = CreateNewActorInstance();
            if (actor is IActorStash stashing && stashing.Stash is null) stashing.Stash = this.CreateStash(stashing);
            if (actor is IWithTimers timed) timed.Timers = _timers ??= new TimerScheduler(this);
            (actor as IInitializableActor)?.Init();
            return actor;
        }
        finally
        {
            _current = outer;
        }
    }

    protected virtual ActorBase CreateNewActorInstance() => Props.NewActor()
        ?? throw new ActorInitializationException(Self, "Actor instance passed to ActorOf can't be null");

    /// <summary>The instance has ended. What it had stashed goes back to the mailbox, its timers stop.</summary>
    private void ClearActor()
    {
        _timers?.CancelAll();
        _timers = null;
        if (_actor is not { } actor) return;
        _actor = null;
        try
        {
            (actor as IActorStash)?.Stash?.UnstashAll();
            Props.Release(actor);
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            Publish(new Error(e, Self.Path.ToString(), actor.GetType(), "Error while releasing the actor instance: " + e.Message));
        }
    }

    internal void HandleInvokeFailure(Exception cause, ICollection<ChildRestartStats> leaveRunning = null)
    {
        AbandonAwait();
        if (_failedBy is not null) return;
        try
        {
            // A child whose failure we pass on is suspended already.
            var perpetrator = _currentMessage is Failed failed ? failed.Child : null;
            _failedBy = perpetrator ?? Self;
            Mailbox.Suspend();
            foreach (var stats in ChildStats())
                if (!stats.Child.Equals(perpetrator) && (leaveRunning is null || !leaveRunning.Any(l => ReferenceEquals(l.Child, stats.Child))))
                    stats.Child.Suspend();
            Parent.SendSystemMessage(new Failed(Self, cause, Self.Path.Uid));
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            Publish(new Error(e, Self.Path.ToString(), GetActorType(), $"Emergency stop: exception in failure handling for {cause.GetType()}: {cause.Message}"));
            foreach (var stats in ChildStats()) stats.Child.Stop();
            FinishTerminate();
        }
    }

    private void AbandonAwait()
    {
        if (_awaited is null) return;
        _awaited = null;
        Mailbox.Resume();
    }

    private Type GetActorType() => _actor?.GetType() ?? Props.Type ?? typeof(ActorCell);
    private void Publish(LogEvent @event) => SystemImpl.EventStream.Publish(@event);

    private void HandleFailed(Failed failed)
    {
        if (_children is null || !_children.TryGet(failed.Child, out var stats) || stats.Uid != failed.Uid) return;
        var (message, sender) = (_currentMessage, _sender);
        _currentMessage = failed;
        _sender = failed.Child;
        if (!Strategy.HandleFailure(this, failed.Child, failed.Cause, stats, _children))
            global::System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failed.Cause);
        // An async handler of ours may be waiting; its message and sender are still its own.
        _currentMessage = message;
        _sender = sender;
    }

    private SupervisorStrategy Strategy => Props.SupervisorStrategy ?? _actor?.OwnSupervisorStrategy() ?? SupervisorStrategy.DefaultStrategy;

    private void FaultSuspend()
    {
        Mailbox.Suspend();
        foreach (var stats in ChildStats()) stats.Child.Suspend();
    }

    private void FaultResume(Exception causedByFailure)
    {
        if (_actor is null && causedByFailure is not null)
        {
            // There is nothing to resume: creation itself failed.
            FaultCreate();
            return;
        }
        var perpetrator = _failedBy;
        Mailbox.Resume();
        if (causedByFailure is not null)
        {
            _failedBy = null;
            ClearMessage();
            CheckReceiveTimeout();
        }
        foreach (var stats in ChildStats()) stats.Child.Resume(stats.Child.Equals(perpetrator) ? causedByFailure : null);
    }

    private void FaultCreate()
    {
        CancelReceiveTimeout();
        foreach (var stats in ChildStats()) Stop(stats.Child);
        if (_children is null || !_children.WaitFor(ChildrenWait.Creation)) FinishCreate();
    }

    private void FinishCreate()
    {
        Mailbox.Resume();
        _failedBy = null;
        try
        {
            CreateActor(null);
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            HandleInvokeFailure(e);
        }
        UnstashSystemMessages();
    }

    private void FaultRecreate(Exception cause)
    {
        if (_actor is null)
        {
            FaultCreate();
            return;
        }
        if (_children is { IsNormal: false })
        {
            FaultResume(null);
            return;
        }
        var failed = _actor;
        AbandonAwait();
        try
        {
            CancelReceiveTimeout();
            _timers?.CancelAll();
            failed.AroundPreRestart(cause, _currentMessage is Failed ? null : _currentMessage);
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            var ex = new PreRestartException(Self, e, cause, _currentMessage);
            Publish(new Error(ex, Self.Path.ToString(), failed.GetType(), e.Message));
        }
        finally
        {
            ClearActor();
            ClearMessage();
        }
        if (_children is null || !_children.WaitFor(ChildrenWait.Recreation, cause)) FinishRecreate(cause);
    }

    private void FinishRecreate(Exception cause)
    {
        var survivors = ChildStats();
        try
        {
            Mailbox.Resume();
            _failedBy = null;
            _receiveTimeout = null;
            _actor = NewActor();
            _actor.AroundPostRestart(cause, null);
            CheckReceiveTimeout();
            foreach (var stats in survivors) stats.Child.Restart(cause);
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            ClearActor();
            HandleInvokeFailure(new PostRestartException(Self, e, cause), survivors);
        }
        UnstashSystemMessages();
    }

    private void UnstashSystemMessages()
    {
        if (_stashedWhileWaiting is not { } stashed) return;
        _stashedWhileWaiting = null;
        foreach (var message in stashed) SystemInvoke(message);
    }

    private void TerminateCell()
    {
        _receiveTimeout = null;
        CancelReceiveTimeout();
        UnwatchWatchedActors();
        foreach (var stats in ChildStats()) Stop(stats.Child);
        var already = _children is { IsTerminating: true };
        if (_children is not null && _children.WaitFor(ChildrenWait.Termination))
        {
            if (already) return;
            Mailbox.Suspend();
            // Failures on the way down are nobody's business any more.
            _failedBy = Self;
        }
        else
        {
            _children?.Close();
            FinishTerminate();
        }
    }

    private void FinishTerminate()
    {
        if (Mailbox.IsClosed) return;
        var actor = _actor;
        ClearMessage();
        try
        {
            _timers?.CancelAll();
            actor?.AroundPostStop();
        }
        catch (Exception e) when (IsNotFatal(e))
        {
            Publish(new Error(e, Self.Path.ToString(), actor.GetType(), e.Message));
        }
        try
        {
            ClearActor();
            Dispatcher.Detach(this);
        }
        finally
        {
            _stashedWhileWaiting = null;
            Parent.SendSystemMessage(new DeathWatchNotification(Self, existenceConfirmed: true, addressTerminated: false));
            TellWatchersWeDied();
            UnwatchWatchedActors();
            _behavior = null;
            _behaviors = null;
        }
    }

    private void HandleChildTerminated(IActorRef child)
    {
        var (ended, cause) = _children.Remove(child);
        if (_actor is not null)
        {
            try
            {
                Strategy.HandleChildTerminated(this, child, LazyChildren());
            }
            catch (Exception e) when (IsNotFatal(e))
            {
                Publish(new Error(e, Self.Path.ToString(), GetActorType(), "HandleChildTerminated failed"));
            }
        }
        switch (ended)
        {
            case ChildrenWait.Recreation: FinishRecreate(cause); break;
            case ChildrenWait.Creation: FinishCreate(); break;
            case ChildrenWait.Termination: FinishTerminate(); break;
        }
    }
}
