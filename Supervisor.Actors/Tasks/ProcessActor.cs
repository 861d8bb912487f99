using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Kernel;
using Supervisor.Persistence.Sqlite;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// The shell of a machine that has a process, a task with its init or an exec: journal first, then effects, then the
/// answer.
/// </summary>
public abstract class ProcessActor<TState, TCommand, TEvent, TEffect> : JournalledActor, IWithTimers
    where TState : class where TCommand : class where TEvent : class where TEffect : class
{
    private static readonly TimeSpan BetweenAdoptions = TimeSpan.FromSeconds(2);
    private readonly ProcessMachine<TState, TCommand, TEvent, TEffect> _machine;
    private readonly ContainerId _container;
    private readonly object _id;

    // Not journalled: a client that lost its reply retries, and a lost process is adopted.
    private readonly List<IActorRef> _waitingUntilSettled = [];
    private readonly Dictionary<TEffect, IActorRef> _waitingForEffect = new(ReferenceEqualityComparer.Instance);
    private TaskCompletionSource<TaskExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TEffect? _adoption; // for which commands wait

    /// <param name="id">Its id, for the log.</param>
    private protected ProcessActor(
        ProcessMachine<TState, TCommand, TEvent, TEffect> machine, object id, ContainerId container, NodeServices node,
        string persistenceId, TState absent) =>
        (_machine, _id, _container, Node, PersistenceId, State) = (machine, id, container, node, persistenceId, absent);

    /// <inheritdoc/>
    public override string PersistenceId { get; }

    /// <summary>Set by Akka.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    private protected NodeServices Node { get; }

    private protected TState State { get; private set; }

    /// <summary>The process, while this daemon holds it.</summary>
    private protected abstract IContainerProcess? Process { get; }

    /// <summary>The effects that callers wait for.</summary>
    private protected IEnumerable<TEffect> AwaitedEffects => _waitingForEffect.Keys;

    /// <summary>The process could not be adopted, and is not known to have exited: a shim was dying, or the kernel was
    /// busy.</summary>
    private sealed record AdoptAgain
    {
        public static AdoptAgain Instance { get; } = new();
    }

    /// <summary>Whether commands wait for an effect of recovery.</summary>
    private protected abstract bool IsAwaited(TEffect effect);

    /// <summary>Whether a message waits for an effect of recovery.</summary>
    private protected abstract bool WaitsForRecovery(object message);

    private protected abstract object Reply(Refusal? refusal, TState state);

    private protected abstract void Run(TEffect effect);

    private protected abstract void Publish(TState state, Task<TaskExit> exited);

    /// <summary>After replay, with the effects of recovery under way.</summary>
    private protected abstract void Recovered();

    /// <summary>An event is journalled, applied and published.</summary>
    private protected abstract void Recorded(TEvent e);

    /// <summary>A command is carried out and its caller answered, or its effects are under way.</summary>
    private protected abstract void Decided(TCommand command, Decision<TEvent, TEffect> decision);

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case AdoptAgain:
                if (Process is null) RunRecovery(_machine.IsAdoption);
                break;
            case DeleteMessagesSuccess:
                break;
            case DeleteMessagesFailure failed:
                Log.Warning("{0}: its old journal could not be shortened ({1}), trying again at the next delete", _id,
                    failed.Cause.Message);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        if (message is TEvent e) Apply(e);
        if (message is not RecoveryCompleted) return;
        Publish();
        RunRecovery(_ => true);
        Recovered();
    }

    /// <inheritdoc/>
    protected override bool Tolerate(DamagedEventsException damage)
    {
        Node.MarkDamaged(_container, damage);
        return true;
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _exited.TrySetCanceled(); // waiters see that the daemon stops, not an exit
        Process?.Dispose();
        base.PostStop();
    }

    private protected virtual void Apply(TEvent e)
    {
        if (State is IAbsent) _exited = new TaskCompletionSource<TaskExit>(TaskCreationOptions.RunContinuationsAsynchronously);
        State = _machine.Apply(State, e);
    }

    /// <summary>Handles a caller's command.</summary>
    private protected void Handle(TCommand command, IActorRef asker) => Handle(command, asker, isReport: false, null);

    /// <summary>Handles what the kernel did.</summary>
    /// <param name="ended">The effect that this is the report of; null for what was observed.</param>
    private protected void Accept(TCommand report, TEffect? ended)
    {
        var failed = report as IEffectFailed<TEffect>;
        if (failed is not null && _machine.IsAdoption(failed.Effect))
        {
            Log.Warning("{0}: its process could not be adopted ({1}), retrying", _id, failed.Reason.Message);
            Timers.StartSingleTimer(AdoptAgain.Instance, AdoptAgain.Instance, BetweenAdoptions);
        }
        IActorRef? asker = null;
        if (ended is not null) _waitingForEffect.Remove(ended, out asker);
        Handle(report, asker, isReport: true, failed?.Reason);
    }

    /// <summary>Passes input to the process, if there is one.</summary>
    private protected void Pass(ProcessInput input)
    {
        try
        {
            if (input is ProcessInput.Close) Process?.CloseInput();
            else if (input is ProcessInput.Resize size) Process?.Resize(size.Columns, size.Rows);
        }
        catch (SyscallException e)
        {
            Log.Warning("{0}: {1}", _id, e.Message); // its terminal was just closed
        }
    }

    /// <summary>Completes the exit that callers wait for, unless it is known already.</summary>
    private protected void Exited(TaskExit exit) => _exited.TrySetResult(exit);

    private void RunRecovery(Func<TEffect, bool> which)
    {
        foreach (var effect in _machine.Recover(State).Where(which))
        {
            if (IsAwaited(effect))
            {
                _adoption = effect;
                Become(Adopting);
            }
            Run(effect);
        }
    }

    private void Adopting(object message)
    {
        if (WaitsForRecovery(message))
        {
            Stash.Stash();
            return;
        }
        if (message is PoolOutcome<TEffect> outcome && ReferenceEquals(outcome.Effect, _adoption))
        {
            Become(OnCommand);
            Stash.UnstashAll();
        }
        OnCommand(message);
    }

    /// <param name="asker">Gets the reply; for a report, the caller that waited for its effect, or null.</param>
    private void Handle(TCommand command, IActorRef? asker, bool isReport, Refusal? failure)
    {
        var (decision, before) = (_machine.Decide(State, command), State);
        foreach (var e in decision.Events) Failpoint.Pass("before", $"journal {_machine.Kind} {e.GetType().Name}");
        PersistEach(decision.Events, e =>
        {
            Failpoint.Pass("after", $"journal {_machine.Kind} {e.GetType().Name}");
            Apply(e);
            Publish();
            ReportApplied(Node.EventPublisher, _machine.TopicOf(e));
            Recorded(e);
        });
        DeferAsync(decision, d =>
        {
            foreach (var effect in d.Effects)
            {
                if (d.Answer is AnswerWhen.EffectEnded && asker is not null) _waitingForEffect[effect] = asker;
                Run(effect);
            }
            if (isReport) AnswerAfter(asker, failure, d.Refusal, before);
            else if (d.Answer is AnswerWhen.Settled && State is IPending) _waitingUntilSettled.Add(asker!);
            else if (d.Answer is not AnswerWhen.EffectEnded) asker!.Tell(Reply(d.Refusal, State is IAbsent ? before : State));
            Decided(command, d);
        });
    }

    private void AnswerAfter(IActorRef? asker, Refusal? failure, Refusal? refusal, TState before)
    {
        asker?.Tell(Reply(failure, State));
        if (_waitingUntilSettled.Count == 0 || State is IPending && refusal is null) return;
        var answer = Reply(refusal, State is IAbsent ? before : State);
        foreach (var waiting in _waitingUntilSettled) waiting.Tell(answer);
        _waitingUntilSettled.Clear();
    }

    /// <summary>Publishes the state before the exit: a subscriber to the exit finds the process stopped.</summary>
    private void Publish()
    {
        Publish(State, _exited.Task);
        if (_machine.ExitOf(State) is { } exit) Exited(exit);
    }
}
