using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Kernel;
using Supervisor.Persistence.Sqlite;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Tasks;

/// <summary>The shell of <see cref="TaskMachine"/>: journal first, then effects, then the answer.</summary>
public sealed class TaskActor : JournalledActor, IWithTimers
{
    private static readonly TimeSpan BetweenAdoptions = TimeSpan.FromSeconds(2), KnownWithin = TimeSpan.FromSeconds(2);
    private readonly ContainerId _id;
    private readonly NodeServices _node;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    // Not journalled: a client that lost its reply retries, and a lost container is adopted.
    private readonly List<IActorRef> _waitingUntilSettled = [];
    private readonly Dictionary<TaskEffect, IActorRef> _waitingForEffect = new(ReferenceEqualityComparer.Instance);
    private IContainer? _container;
    private readonly TaskExecs _execs;

    private TaskState _state = new TaskState.Absent();
    private bool _isKnown; // whether its state was checked against the kernel, not only read from the journal
    private bool _hasEvents; // recovery found some; without any, a start with thousands of tasks has none to delete
    private TaskCompletionSource<TaskExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="id">The task's container.</param>
    /// <param name="node">What the actors share.</param>
    public TaskActor(ContainerId id, NodeServices node) =>
        (_id, _node, _execs, PersistenceId) = (id, node, new TaskExecs(id, node, Context), PersistenceIds.OfTask(id));

    /// <inheritdoc/>
    public override string PersistenceId { get; }

    /// <summary>Set by Akka.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to create one.</summary>
    public static Props Props(ContainerId id, NodeServices node) => Akka.Actor.Props.Create<TaskActor>(id, node);

    /// <summary>The container asks whether it may be deleted. It sends no create afterwards unless the answer is no.</summary>
    internal sealed record Retire
    {
        public static Retire Instance { get; } = new();
    }

    /// <summary>Whether there is no task and none will be created.</summary>
    internal sealed record RetireAnswer(bool Retired);

    /// <summary>
    /// The container could not be adopted, and is not known to have exited: a shim was dying, or the kernel was busy.
    /// </summary>
    private sealed record AdoptAgain
    {
        public static AdoptAgain Instance { get; } = new();
    }

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
            case not null when _execs.Holds(message, _state, Timers):
                Stash.Stash();
                break;
            case AdoptAgain:
                if (_container is null) Adopt();
                break;
            case Unknown:
                BeKnown();
                break;
            case KernelOutcome outcome:
                Accept(outcome);
                break;
            case ExecCommand command:
                Handle(command, Sender);
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
            case TaskCommand command:
                Handle(command, Sender, null);
                break;
            case Retire:
                Sender.Tell(new RetireAnswer(_state is TaskState.Absent));
                break;
            case DeleteMessagesSuccess:
                break;
            case DeleteMessagesFailure failed:
                _log.Warning("{0}: the task's old journal could not be shortened ({1}), trying again at the next delete", _id,
                    failed.Cause.Message);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override bool Tolerate(DamagedEventsException damage)
    {
        _node.Lose(_id, damage);
        return true;
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case TaskEvent e:
                _hasEvents = true;
                Apply(e);
                break;
            case ExecRegistered e:
                _hasEvents = true;
                _execs.Apply(e);
                break;
            case RecoveryCompleted:
                Publish();
                _isKnown = !TaskMachine.Recover(_state).Any(e => e is TaskEffect.AdoptInit);
                if (!_isKnown) Timers.StartSingleTimer(Unknown.Instance, Unknown.Instance, KnownWithin);
                Adopt();
                if (_state is TaskState.Creating) Become(Adopting);
                foreach (var effect in TaskMachine.Recover(_state).Where(e => e is not TaskEffect.AdoptInit)) Run(effect);
                if (_state is TaskState.Absent)
                {
                    _execs.DiscardAll(); // the daemon stopped before they were removed
                    if (_hasEvents) Shorten();
                }
                ReportRecovered();
                break;
        }
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _exited.TrySetCanceled(); // waiters see that the daemon stops, not an exit
        _container?.Dispose();
        base.PostStop();
    }

    private void Handle(ExecCommand command, IActorRef asker)
    {
        var freezing = _waitingForEffect.Keys.Any(e => e is TaskEffect.Freeze);
        if (_execs.Judge(command, _state, freezing) is { } refusal)
            asker.Tell(new ExecReply(command.Id, refusal, new ExecState.Absent()));
        else if (command is not ExecCommand.Add || _execs.Has(command.Id.Value)) _execs.Forward(command, _container, asker);
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
        if (_isKnown && _execs.Recovered) _node.Readiness.TaskRecovered(_id);
    }

    private void BeKnown()
    {
        _isKnown = true;
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
        Refusal? refusal = _state is TaskState.Absent ? new Refusal(RefusalCode.NotFound, $"task {_id.Value} not found") : null;
        try
        {
            if (input is ProcessInput.Close) _container?.CloseInput();
            else if (input is ProcessInput.Resize size) _container?.Resize(size.Columns, size.Rows);
        }
        catch (SyscallException e)
        {
            _log.Warning("{0}: {1}", _id, e.Message); // its terminal was just closed
        }
        Sender.Tell(new ProcessInputReply(refusal));
    }

    /// <summary>The pool replies to the caller itself: the task's state does not change.</summary>
    private void Handle(TaskInquiry inquiry)
    {
        // After the exit the list of processes is empty; usage and limits are gone with the cgroup.
        if (_state is TaskState.Created or TaskState.Starting or TaskState.Running or TaskState.Paused
            || (_state is TaskState.Stopped && inquiry is TaskInquiry.Pids))
            _node.KernelPool.Tell(new TaskInquiryWork(inquiry, ((TaskState.WithInit)_state).CgroupPaths), Sender);
        else
            Sender.Tell(new TaskInquiryReply(_state is TaskState.Absent
                ? new Refusal(RefusalCode.NotFound, $"task {_id.Value} not found")
                : new Refusal(RefusalCode.FailedPrecondition, $"task {_id.Value} does not run")));
    }

    /// <summary>
    /// The task is gone and its execs are forgotten: recovery no longer needs its events. The history is not affected.
    /// </summary>
    private void Shorten()
    {
        if (_state is TaskState.Absent && !_execs.Any) DeleteMessages(LastSequenceNr);
    }

    private void Accept(KernelOutcome outcome)
    {
        if (outcome.Container is { } container)
        {
            _container = container;
            _node.Reaper.Tell(new WatchInit(_id, container)); // its reports arrive after this one is journalled
        }
        _waitingForEffect.Remove(outcome.Effect, out var asker);
        Handle(outcome.Report, asker, outcome.Effect);
    }

    /// <param name="asker">Gets the reply; for a report, the sender that waited for its effect, or null.</param>
    private void Handle(TaskCommand command, IActorRef? asker, TaskEffect? ended)
    {
        var decision = TaskMachine.Decide(_state, command);
        if (command is TaskCommand.EffectFailed { Effect: TaskEffect.TearDown } failed)
            _log.Warning("{0}: it could not be removed ({1}), leaving it for the next delete", _id, failed.Reason.Message);
        if (command is TaskCommand.EffectFailed { Effect: TaskEffect.AdoptInit } lost)
        {
            _log.Warning("{0}: its init could not be adopted ({1}), retrying", _id, lost.Reason.Message);
            Timers.StartSingleTimer(AdoptAgain.Instance, AdoptAgain.Instance, BetweenAdoptions);
        }
        var before = _state;
        foreach (var e in decision.Events) Failpoint.Pass("before", $"journal task {e.GetType().Name}");
        PersistEach(decision.Events, e =>
        {
            Failpoint.Pass("after", $"journal task {e.GetType().Name}");
            Apply(e);
            Publish();
            ReportApplied(_node.EventPublisher, TaskEventMapper.TopicOf(e));
            if (e is TaskEvent.Exited or TaskEvent.DiedWhileStarting or TaskEvent.StartFailed) _container?.Collected();
            if (e is not TaskEvent.Deleted) return;
            _execs.DiscardAll();
            Shorten();
        });
        DeferAsync(decision, d =>
        {
            foreach (var effect in d.Effects)
            {
                if (d.Answer is AnswerWhen.EffectEnded && asker is not null) _waitingForEffect[effect] = asker;
                Run(effect);
            }
            // An init that can no longer be started was killed: its state is known when it has exited.
            if (!_isKnown && (ended is TaskEffect.AdoptInit && d.Effects.IsEmpty || command is TaskCommand.InitEnded)) BeKnown();
            if (d.Events is [TaskEvent.CreateFailed]) DeleteMessages(LastSequenceNr); // never created: keep nothing
            if (command is TaskCommand.Report report) AnswerAfter(report, asker, d.Refusal, before);
            else if (d.Answer is AnswerWhen.Settled && _state is TaskState.IPending) _waitingUntilSettled.Add(asker!);
            else if (d.Answer is not AnswerWhen.EffectEnded) asker!.Tell(new TaskReply(_id, d.Refusal, _state));
        });
    }

    private void AnswerAfter(TaskCommand.Report report, IActorRef? asker, Refusal? refusal, TaskState before)
    {
        asker?.Tell(new TaskReply(_id, (report as TaskCommand.EffectFailed)?.Reason, _state));
        if (_waitingUntilSettled.Count == 0 || (_state is TaskState.IPending && refusal is null)) return;
        var answer = new TaskReply(_id, refusal, _state is TaskState.Absent ? before : _state);
        foreach (var waiting in _waitingUntilSettled) waiting.Tell(answer);
        _waitingUntilSettled.Clear();
    }

    /// <summary>Adopts the init of the daemon before, if there is one.</summary>
    private void Adopt()
    {
        foreach (var effect in TaskMachine.Recover(_state).OfType<TaskEffect.AdoptInit>())
        {
            Become(Adopting);
            Run(effect);
        }
    }

    /// <summary>
    /// After the daemon's start, until the init is adopted or known to be gone, or an interrupted create is undone: commands
    /// wait. A retried create would otherwise fail with AlreadyExists.
    /// </summary>
    private void Adopting(object message)
    {
        if (message is ExecCommand or ProcessInput or (TaskCommand and not TaskCommand.Report))
        {
            Stash.Stash();
            return;
        }
        if (message is KernelOutcome { Effect: TaskEffect.AdoptInit or TaskEffect.TearDown })
        {
            Become(OnCommand);
            Stash.UnstashAll();
        }
        OnCommand(message);
    }

    private void Run(TaskEffect effect)
    {
        _node.KernelPool.Tell(new KernelWork(_id, effect, _container));
        if (effect is TaskEffect.TearDown) _container = null; // the effect releases it
    }

    private void Apply(TaskEvent e)
    {
        if (_state is TaskState.Absent)
            _exited = new TaskCompletionSource<TaskExit>(TaskCreationOptions.RunContinuationsAsynchronously);
        _state = TaskMachine.Apply(_state, e);
    }

    /// <summary>Publishes the state before the exit: a subscriber to the exit finds the task stopped.</summary>
    private void Publish()
    {
        _node.Directory.Publish(_id, new TaskView(Self, _state, _exited.Task));
        if (_state is TaskState.Stopped { Exit: var exit }) _exited.TrySetResult(exit);
        if (_state is TaskState.Deleting { Exit: { } last }) _exited.TrySetResult(last);
    }
}
