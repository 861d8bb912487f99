using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Kernel;
using Supervisor.Persistence.Sqlite;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>The shell of <see cref="ExecMachine"/>: journal first, then effects, then the answer. A child of its task.</summary>
public sealed class ExecActor : JournalledActor, IWithTimers
{
    private static readonly TimeSpan BetweenAdoptions = TimeSpan.FromSeconds(2);
    private readonly ExecId _id;
    private readonly NodeServices _node;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    // Not journalled: a client that lost its reply retries, and a lost process is adopted.
    private readonly List<IActorRef> _waitingUntilSettled = [];
    private readonly Dictionary<ExecEffect, IActorRef> _waitingForEffect = new(ReferenceEqualityComparer.Instance);
    private IContainer? _container;
    private IContainerProcess? _process;
    private bool _inputClosed;                       // received before there was a process
    private (ushort Columns, ushort Rows)? _size;    // likewise

    private ExecState _state = new ExecState.Absent();
    private TaskCompletionSource<TaskExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _handled;

    /// <param name="id">Which exec.</param>
    /// <param name="node">What the actors share.</param>
    public ExecActor(ExecId id, NodeServices node) => (_id, _node, PersistenceId) = (id, node, PersistenceIds.OfExec(id));

    /// <inheritdoc/>
    public override string PersistenceId { get; }

    /// <summary>Set by Akka.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to create one.</summary>
    // no expression: evaluated for each
    public static Props Props(ExecId id, NodeServices node) => Akka.Actor.Props.Create<ExecActor>(id, node);

    /// <summary>The process could not be adopted, and is not known to have exited.</summary>
    private sealed record AdoptAgain
    {
        public static AdoptAgain Instance { get; } = new();
    }

    /// <summary>A command, with what only the task holds.</summary>
    /// <param name="Container">The live container, or null.</param>
    internal sealed record ExecEnvelope(ExecCommand Command, IContainer? Container);

    /// <summary>Reports the exec's status to the task, after every envelope and every report.</summary>
    /// <param name="Handled">How many commands this includes: others may be on the way.</param>
    /// <param name="Launching">A process is being spawned.</param>
    /// <param name="Alive">A process exists, or is being spawned.</param>
    /// <param name="Gone">The exec is gone and its journal empty: the task may forget it.</param>
    internal sealed record ExecStatus(string ExecId, long Handled, bool Launching, bool Alive, bool Gone);

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case ExecOutcome outcome:
                Accept(outcome);
                break;
            case ExecEnvelope envelope:
                _handled++;
                _container = envelope.Container;
                Handle(envelope.Command, Sender);
                break;
            case ExecCommand.Report report:
                Handle(report, null);
                break;
            case ProcessInput input:
                Take(input);
                Sender.Tell(new ProcessInputReply(null));
                break;
            case AdoptAgain:
                if (_process is null) foreach (var effect in ExecMachine.Recover(_state)) Run(effect);
                break;
            case DeleteMessagesSuccess:
                Tell(gone: _state is ExecState.Absent);
                break;
            case DeleteMessagesFailure failed:
                _log.Warning("{0}: the exec's old journal could not be shortened ({1})", _id, failed.Cause.Message);
                Tell(gone: _state is ExecState.Absent);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <summary>After the daemon's start, until the process is adopted or known to be gone: commands wait.</summary>
    private void Adopting(object message)
    {
        if (message is ExecEnvelope)
        {
            Stash.Stash();
            return;
        }
        if (message is ExecOutcome { Effect: ExecEffect.Adopt })
        {
            Become(OnCommand);
            Stash.UnstashAll();
        }
        OnCommand(message);
    }

    /// <inheritdoc/>
    protected override bool Tolerate(DamagedEventsException damage)
    {
        _node.Lose(_id.Container, damage);
        return true;
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case ExecEvent e:
                Apply(e);
                break;
            case RecoveryCompleted:
                Publish();
                foreach (var effect in ExecMachine.Recover(_state)) Run(effect);
                Tell(gone: false);
                Shorten();
                break;
        }
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _exited.TrySetCanceled(); // waiters see that the daemon stops, not an exit
        _process?.Dispose();
        base.PostStop();
    }

    private void Accept(ExecOutcome outcome)
    {
        if (outcome.Process is { } process)
        {
            if (_state is ExecState.Starting or ExecState.Held or ExecState.Running) Keep(process);
            // discarded in the meantime
            else _node.KernelPool.Tell(new ExecWork(_id, new ExecEffect.End(), null, process), ActorRefs.Nobody);
        }
        if (outcome.Report is ExecCommand.EffectFailed { Effect: ExecEffect.Adopt { Process: not null } } failed)
        {
            _log.Warning("{0}: its process could not be adopted ({1}), retrying", _id, failed.Reason.Message);
            Timers.StartSingleTimer(AdoptAgain.Instance, AdoptAgain.Instance, BetweenAdoptions);
        }
        _waitingForEffect.Remove(outcome.Effect, out var asker);
        Handle(outcome.Report, asker);
    }

    private void Keep(IContainerProcess process)
    {
        _process = process;
        if (_size is var (columns, rows)) Take(new ProcessInput.Resize(_id.Container, _id.Value, columns, rows));
        if (_inputClosed) process.CloseInput();
    }

    private void Take(ProcessInput input)
    {
        try
        {
            switch (input)
            {
                case ProcessInput.Close:
                    _inputClosed = true;
                    _process?.CloseInput();
                    break;
                case ProcessInput.Resize size:
                    _size = (size.Columns, size.Rows);
                    _process?.Resize(size.Columns, size.Rows);
                    break;
            }
        }
        catch (SyscallException e)
        {
            _log.Warning("{0}: {1}", _id, e.Message); // its terminal was just closed
        }
    }

    /// <param name="asker">Gets the reply; for a report, the sender that waited for its effect, or null.</param>
    private void Handle(ExecCommand command, IActorRef? asker)
    {
        var decision = ExecMachine.Decide(_state, command);
        var before = _state;
        foreach (var e in decision.Events) Failpoint.Pass("before", $"journal exec {e.GetType().Name}");
        PersistEach(decision.Events, e =>
        {
            Failpoint.Pass("after", $"journal exec {e.GetType().Name}");
            Apply(e);
            Publish();
            ReportApplied(_node.EventPublisher, ExecEventMapper.TopicOf(e));
            if (e is ExecEvent.Exited) _process?.Collected();
        });
        DeferAsync(decision, d =>
        {
            foreach (var effect in d.Effects)
            {
                if (d.Answer is AnswerWhen.EffectEnded && asker is not null) _waitingForEffect[effect] = asker;
                Run(effect);
            }
            if (_state is ExecState.Stopped or ExecState.Added or ExecState.Absent) LetGo();
            if (command is ExecCommand.Report report) AnswerAfter(report, asker, d.Refusal);
            else if (d.Answer is AnswerWhen.Settled && _state is ExecState.IPending) _waitingUntilSettled.Add(asker!);
            else if (d.Answer is not AnswerWhen.EffectEnded)
                asker?.Tell(new ExecReply(_id, d.Refusal, _state is ExecState.Absent ? before : _state));
            Tell(gone: false);
            Shorten();
        });
    }

    private void AnswerAfter(ExecCommand.Report report, IActorRef? asker, Refusal? refusal)
    {
        asker?.Tell(new ExecReply(_id, (report as ExecCommand.EffectFailed)?.Reason, _state));
        if (_state is ExecState.IPending) return;
        foreach (var waiting in _waitingUntilSettled) waiting.Tell(new ExecReply(_id, refusal, _state));
        _waitingUntilSettled.Clear();
    }

    private void Run(ExecEffect effect)
    {
        if (effect is ExecEffect.Adopt) Become(Adopting);
        if (effect is not ExecEffect.Watch) _node.KernelPool.Tell(new ExecWork(_id, effect, _container, _process));
        else if (_process is { } process) _node.Reaper.Tell(new WatchExec(_id, process));
    }

    private void LetGo()
    {
        _process?.Dispose();
        _process = null;
        _container = null;
    }

    private void Apply(ExecEvent e)
    {
        if (_state is ExecState.Absent)
        {
            _exited = new TaskCompletionSource<TaskExit>(TaskCreationOptions.RunContinuationsAsynchronously);
            (_inputClosed, _size) = (false, null);
        }
        _state = ExecMachine.Apply(_state, e);
        // unless it has exited
        if (_state is ExecState.Absent) _exited.TrySetResult(new TaskExit(137, e.At, "deleted before it was started"));
    }

    /// <summary>Publishes the state before the exit: a subscriber to the exit finds the exec stopped.</summary>
    private void Publish()
    {
        _node.Directory.Publish(
            _id.Container, _id.Value, _state is ExecState.Present present ? new ExecView(present, _exited.Task) : null);
        if (_state is ExecState.Stopped { Exit: var exit }) _exited.TrySetResult(exit);
    }

    /// <summary>The exec is gone: recovery no longer needs its events. The history is not affected.</summary>
    private void Shorten()
    {
        if (_state is ExecState.Absent) DeleteMessages(LastSequenceNr);
    }

    private void Tell(bool gone) => Context.Parent.Tell(new ExecStatus(
        _id.Value, _handled, _state is ExecState.IPending, _state is ExecState.IPending or ExecState.Running, gone));
}
