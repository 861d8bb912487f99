using Akka.Actor;
using Akka.Event;
using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>The shell of <see cref="TaskMachine"/>, and the parent of its execs.</summary>
public sealed class TaskActor : ProcessActor<TaskState, TaskCommand, TaskEvent, TaskEffect>
{
    private static readonly TimeSpan KnownWithin = TimeSpan.FromSeconds(2);
    private static readonly ProcessMachine<TaskState, TaskCommand, TaskEvent, TaskEffect> Machine = new(
        "task", TaskMachine.Decide, TaskMachine.Apply, TaskMachine.Recover,
        state => state switch { TaskState.Stopped s => s.Exit, TaskState.Deleting s => s.Exit, _ => null },
        TaskEventMapper.TopicOf, effect => effect is TaskEffect.AdoptInit);

    private readonly ContainerId _id;
    private readonly TaskExecs _execs;
    private IContainer? _container;
    private bool _isChecked; // whether its state was checked against the kernel, not only read from the journal
    private bool _hasEvents; // recovery found some; without any, a start with thousands of tasks has none to delete

    /// <param name="id">The task's container.</param>
    /// <param name="node">What the actors share.</param>
    public TaskActor(ContainerId id, NodeServices node)
        : base(Machine, id, id, node, PersistenceIds.OfTask(id), new TaskState.Absent()) =>
        (_id, _execs) = (id, new TaskExecs(id, node, Context));

    private protected override IContainerProcess? Process => _container;

    /// <summary>How to create one.</summary>
    public static Props Props(ContainerId id, NodeServices node) => Akka.Actor.Props.Create<TaskActor>(id, node);

    /// <summary>The container asks whether it may be deleted. It sends no create afterwards unless the answer is no.</summary>
    internal sealed record Retire
    {
        public static Retire Instance { get; } = new();
    }

    /// <summary>Whether there is no task and none will be created.</summary>
    internal sealed record RetireAnswer(bool Retired);

    /// <summary>The init's state is still unknown; the daemon no longer waits for it.</summary>
    private sealed record Unknown
    {
        public static Unknown Instance { get; } = new();
    }

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case var held when _execs.Holds(held, State, Timers):
                Stash.Stash();
                break;
            case Unknown:
                MarkChecked();
                break;
            case KernelOutcome outcome:
                Accept(outcome);
                break;
            case ExecCommand command:
                Handle(command, Sender);
                break;
            case ServiceExecsListed listed:
                _execs.ForgetAllBut(listed.ExecIds);
                break;
            case ExecActor.ExecStatus status:
                Accept(status);
                break;
            case ProcessInput input:
                Handle(input);
                break;
            case TaskInquiry inquiry:
                Handle(inquiry);
                break;
            case TaskExecs.ExecExitTimeout:
                _execs.GiveUp();
                Release();
                break;
            case TaskCommand.Report report:
                Accept(report, null);
                break;
            case TaskCommand command:
                Handle(command, Sender);
                break;
            case Retire:
                Sender.Tell(new RetireAnswer(State is TaskState.Absent));
                break;
            default:
                base.OnCommand(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        _hasEvents |= message is TaskEvent or ExecRegistered;
        if (message is ExecRegistered e) _execs.Apply(e);
        else base.OnRecover(message);
    }

    private protected override void Recovered()
    {
        _isChecked = !TaskMachine.Recover(State).Any(e => e is TaskEffect.AdoptInit);
        if (!_isChecked) Timers.StartSingleTimer(Unknown.Instance, Unknown.Instance, KnownWithin);
        if (State is TaskState.Absent)
        {
            _execs.DiscardAll(); // the daemon stopped before they were removed
            if (_hasEvents) Shorten();
        }
        ReportRecovered();
    }

    /// <summary>
    /// The init is adopted or known to be gone, or an interrupted create is undone: a retried create would otherwise fail with
    /// AlreadyExists.
    /// </summary>
    private protected override bool IsAwaited(TaskEffect effect) =>
        effect is TaskEffect.AdoptInit || State is TaskState.Creating;

    private protected override bool WaitsForRecovery(object message) =>
        message is ExecCommand or ServiceExecsListed or ProcessInput or (TaskCommand and not TaskCommand.Report);

    private protected override object Reply(Refusal? refusal, TaskState state) => new TaskReply(refusal, state);

    private protected override void Publish(TaskState state, Task<TaskExit> exited) =>
        Node.Directory.Publish(_id, new TaskView(Self, state, exited));

    private void Handle(ExecCommand command, IActorRef asker)
    {
        var freezing = AwaitedEffects.Any(e => e is TaskEffect.Freeze);
        if (_execs.FindRefusal(command, State, freezing) is { } refusal)
            asker.Tell(new ExecReply(refusal, new ExecState.Absent()));
        else if (command is not (ExecCommand.Add or ExecCommand.Adopt) || _execs.Has(command.Id.Value))
            _execs.Forward(command, _container, asker);
        else
            Persist(new ExecRegistered(command.Id, Present: true), e =>
            {
                _execs.Apply(e);
                _execs.Forward(command, _container, asker);
            });
    }

    private void Accept(ExecActor.ExecStatus status)
    {
        var forgotten = _execs.Accept(status, Sender);
        ReportRecovered();
        if (forgotten is null)
        {
            Release();
            return;
        }
        Persist(forgotten, e =>
        {
            _execs.Apply(e);
            Release();
            Shorten();
        });
    }

    /// <summary>Handles again the messages that waited for execs.</summary>
    private void Release()
    {
        if (_execs.TryRelease()) Stash.UnstashAll();
    }

    /// <summary>
    /// The first list of tasks is correct: an init that died with the daemon and its shim is not listed as <em>created</em> or
    /// <em>running</em>.
    /// </summary>
    private void ReportRecovered()
    {
        if (_isChecked && _execs.Recovered) Node.Readiness.TaskRecovered(_id);
    }

    private void MarkChecked()
    {
        _isChecked = true;
        Timers.Cancel(Unknown.Instance);
        ReportRecovered();
    }

    private void Handle(ProcessInput input)
    {
        if (input.ExecId.Length > 0)
        {
            _execs.Forward(input, Sender);
            return;
        }
        Pass(input);
        Sender.Tell(new ProcessInputReply(
            State is TaskState.Absent ? new Refusal(RefusalCode.NotFound, $"task {_id.Value} not found") : null));
    }

    /// <summary>The pool replies to the caller itself: the task's state does not change.</summary>
    private void Handle(TaskInquiry inquiry)
    {
        // After the exit the list of processes is empty; usage and limits are gone with the cgroup.
        if (State is TaskState.Created or TaskState.Starting or TaskState.Running or TaskState.Paused
            || (State is TaskState.Stopped && inquiry is TaskInquiry.Pids))
            Node.KernelPool.Tell(new TaskInquiryWork(inquiry, ((TaskState.WithInit)State).CgroupPaths), Sender);
        else
            Sender.Tell(new TaskInquiryReply(State is TaskState.Absent
                ? new Refusal(RefusalCode.NotFound, $"task {_id.Value} not found")
                : new Refusal(RefusalCode.FailedPrecondition, $"task {_id.Value} does not run")));
    }

    /// <summary>
    /// The task is gone and its execs are forgotten: recovery no longer needs its events. The history is not affected.
    /// </summary>
    private void Shorten()
    {
        if (State is TaskState.Absent && !_execs.Any) DeleteMessages(LastSequenceNr);
    }

    private void Accept(KernelOutcome outcome)
    {
        if (outcome.Container is { } container)
        {
            _container = container;
            Node.Reaper.Tell(new WatchInit(_id, container)); // its reports arrive after this one is journalled
        }
        if (outcome.Report is TaskCommand.EffectFailed { Effect: TaskEffect.TearDown } failed)
            Log.Warning("{0}: it could not be removed ({1}), leaving it for the next delete", _id, failed.Reason.Message);
        Accept(outcome.Report, outcome.Effect);
    }

    private protected override void Recorded(TaskEvent e)
    {
        if (e is TaskEvent.Exited or TaskEvent.DiedWhileStarting or TaskEvent.StartFailed) _container?.Collected();
        if (e is not TaskEvent.Deleted) return;
        _execs.DiscardAll();
        Shorten();
    }

    private protected override void Decided(TaskCommand command, Decision<TaskEvent, TaskEffect> decision)
    {
        // An init that can no longer be started was killed: its state is known when it has exited.
        var isChecked = command is TaskCommand.InitAdopted or TaskCommand.EffectFailed { Effect: TaskEffect.AdoptInit };
        if (!_isChecked && (isChecked && decision.Effects.IsEmpty || command is TaskCommand.InitEnded)) MarkChecked();
        if (decision.Events is [TaskEvent.CreateFailed]) Shorten(); // never created: keep nothing
    }

    private protected override void Run(TaskEffect effect)
    {
        Node.KernelPool.Tell(new KernelWork(_id, effect, _container));
        if (effect is TaskEffect.TearDown) _container = null; // the effect releases it
    }
}
