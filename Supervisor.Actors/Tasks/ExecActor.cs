using Akka.Actor;
using Akka.Persistence;
using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>The shell of <see cref="ExecMachine"/>. A child of its task.</summary>
public sealed class ExecActor : ProcessActor<ExecState, ExecCommand, ExecEvent, ExecEffect>
{
    private static readonly ProcessMachine<ExecState, ExecCommand, ExecEvent, ExecEffect> Machine = new(
        "exec", ExecMachine.Decide, ExecMachine.Apply, ExecMachine.Recover, state => (state as ExecState.Stopped)?.Exit,
        ExecEventMapper.TopicOf, effect => effect is ExecEffect.Adopt { Process: not null });

    private readonly ExecId _id;
    private IContainer? _container;
    private IContainerProcess? _process;
    private ProcessInput? _closed, _size; // received before there was a process
    private long _handled;

    /// <param name="id">Which exec.</param>
    /// <param name="node">What the actors share.</param>
    public ExecActor(ExecId id, NodeServices node)
        : base(Machine, id, id.Container, node, PersistenceIds.OfExec(id), new ExecState.Absent()) => _id = id;

    private protected override IContainerProcess? Process => _process;

    /// <summary>How to create one.</summary>
    // an expression tree would be interpreted each time
    public static Props Props(ExecId id, NodeServices node) => Akka.Actor.Props.Create<ExecActor>(id, node);

    /// <summary>A command, with what only the task holds.</summary>
    /// <param name="Container">The live container, or null.</param>
    internal sealed record ExecEnvelope(ExecCommand Command, IContainer? Container);

    /// <summary>Reports the exec's status to the task, after every envelope and every report.</summary>
    /// <param name="Handled">How many commands this includes: others may be on the way.</param>
    /// <param name="Launching">A process is being spawned.</param>
    /// <param name="Alive">A process exists, or is being spawned.</param>
    /// <param name="Gone">The exec is gone, and its events will be deleted: the task may forget it.</param>
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
                Accept(report, null);
                break;
            case ProcessInput input:
                if (input is ProcessInput.Close) _closed = input;
                else _size = input;
                Pass(input);
                Sender.Tell(new ProcessInputReply(null));
                break;
            default:
                base.OnCommand(message);
                break;
        }
    }

    private protected override void Recovered() => Settle();

    private protected override bool IsAwaited(ExecEffect effect) => true;

    private protected override bool WaitsForRecovery(object message) => message is ExecEnvelope;

    private protected override object Reply(Refusal? refusal, ExecState state) => new ExecReply(refusal, state);

    private protected override void Publish(ExecState state, Task<TaskExit> exited) => Node.Directory.Publish(
        _id.Container, _id.Value, state is ExecState.Present present ? new ExecView(present, exited) : null);

    private void Accept(ExecOutcome outcome)
    {
        if (outcome.Process is { } process)
        {
            if (State is ExecState.Starting or ExecState.Held or ExecState.Running)
            {
                _process = process;
                if (_size is not null) Pass(_size);
                if (_closed is not null) Pass(_closed);
            }
            // discarded in the meantime
            else Node.KernelPool.Tell(new ExecWork(_id, new ExecEffect.End(), null, process), ActorRefs.Nobody);
        }
        Accept(outcome.Report, outcome.Effect);
    }

    private protected override void Recorded(ExecEvent e)
    {
        if (e is ExecEvent.Exited) _process?.Collected();
    }

    private protected override void Decided(ExecCommand command, Decision<ExecEvent, ExecEffect> decision)
    {
        if (State is ExecState.Stopped or ExecState.Added or ExecState.Absent)
        {
            _process?.Dispose();
            (_process, _container) = (null, null);
        }
        Settle();
    }

    private protected override void Run(ExecEffect effect)
    {
        if (effect is not ExecEffect.Watch) Node.KernelPool.Tell(new ExecWork(_id, effect, _container, _process));
        else if (_process is { } process) Node.Reaper.Tell(new WatchExec(_id, process));
    }

    private protected override void Apply(ExecEvent e)
    {
        if (State is ExecState.Absent) (_closed, _size) = (null, null);
        base.Apply(e);
        // unless it has exited
        if (State is ExecState.Absent) Exited(new TaskExit(137, e.At, "deleted before it was started"));
    }

    /// <summary>
    /// Reports its status to the task. When the exec is gone, recovery no longer needs its events, which are deleted before the
    /// task journals that it is; the history is not affected.
    /// </summary>
    private void Settle()
    {
        var gone = State is ExecState.Absent;
        if (gone && LastSequenceNr > 0) DeleteMessages(LastSequenceNr);
        Context.Parent.Tell(new ExecStatus(
            _id.Value, _handled, State is IPending, State is IPending or ExecState.Running, gone));
    }
}
