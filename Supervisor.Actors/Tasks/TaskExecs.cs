using Akka.Actor;
using Supervisor.Actors.Identity;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// A task's execs: their actors, which are its children, and what must wait for them. Part of the task actor, and like it
/// single-threaded.
/// </summary>
/// <remarks>
/// The init's exit is published after the exits of the execs, which die with it: clients rely on that order. A pause waits for
/// launches: no process may be spawned into a frozen cgroup.
/// </remarks>
internal sealed class TaskExecs(ContainerId id, NodeServices node, IActorContext context)
{
    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(10);
    private readonly Dictionary<string, Child> _children = new(StringComparer.Ordinal);
    private long _made;
    private bool _ending, _gaveUp, _holding;

    /// <summary>An exec did not exit with the init: the init's exit is published without waiting longer.</summary>
    internal sealed record ExecExitTimeout
    {
        public static ExecExitTimeout Instance { get; } = new();
    }

    /// <summary>Whether there are execs.</summary>
    public bool Any => _children.Count > 0;

    /// <summary>Whether every exec in the journal has reported its status.</summary>
    public bool Recovered => _children.Values.All(c => c.Reported);

    /// <summary>Whether there is this one.</summary>
    public bool Has(string exec) => _children.ContainsKey(exec);

    /// <summary>Adds or removes a journalled exec.</summary>
    public void Apply(ExecRegistered e)
    {
        if (!e.Present)
        {
            if (_children.Remove(e.Id.Value, out var gone)) context.Stop(gone.Actor);
            return;
        }
        // A number in the name: the actor of the last exec of this id may still be stopping.
        var actor = context.ActorOf(ExecActor.Props(e.Id, node), $"{e.Id.Value}:{++_made}");
        _children[e.Id.Value] = new Child(actor);
    }

    /// <summary>Why the task's state, or its exit that waits for the execs, forbids a command; null if neither does.</summary>
    /// <param name="freezing">A pause is on its way.</param>
    public Refusal? FindRefusal(ExecCommand command, TaskState state, bool freezing) => (command, state) switch
    {
        (_, TaskState.Absent) => new Refusal(RefusalCode.NotFound, $"task {command.Id.Container.Value} not found"),
        (ExecCommand.Add or ExecCommand.Start, TaskState.Creating) =>
            new Refusal(RefusalCode.FailedPrecondition, "the task is being created"),
        (ExecCommand.Add or ExecCommand.Start, TaskState.Prepared or TaskState.Restoring) =>
            new Refusal(RefusalCode.FailedPrecondition, "the task is not restored yet"),
        (ExecCommand.Add or ExecCommand.Start, TaskState.Stopped or TaskState.Deleting) => Stopped(command.Id),
        (ExecCommand.Add or ExecCommand.Start, TaskState.Paused) => Paused(command.Id),
        (ExecCommand.Add or ExecCommand.Start, _) when _ending => Stopped(command.Id),
        (ExecCommand.Start, _) when freezing => Paused(command.Id),
        _ => null,
    };

    /// <summary>Forwards a command; its exec replies to the caller.</summary>
    public void Forward(ExecCommand command, IContainer? container, IActorRef asker)
    {
        if (!_children.TryGetValue(command.Id.Value, out var child))
        {
            asker.Tell(new ExecReply(NotFound(command.Id), new ExecState.Absent()));
            return;
        }
        child.Sent++;
        child.Launching |= command is ExecCommand.Start;
        child.Actor.Tell(new ExecActor.ExecEnvelope(command, container), asker);
    }

    /// <summary>As <see cref="Forward(ExecCommand, IContainer?, IActorRef)"/>.</summary>
    public void Forward(ProcessInput input, IActorRef asker)
    {
        if (_children.TryGetValue(input.ExecId, out var child)) child.Actor.Tell(input, asker);
        else asker.Tell(new ProcessInputReply(NotFound(ExecId.Parse(id, input.ExecId))));
    }

    /// <summary>Execs of the Shim service that its clients deleted while no daemon ran.</summary>
    public void ForgetAllBut(IReadOnlySet<string> ids)
    {
        foreach (var exec in _children.Keys.Where(e => ServiceExecs.IsId(e) && !ids.Contains(e)))
            Forward(new ExecCommand.Forget(ExecId.Parse(id, exec), node.Clock.GetUtcNow()), null, ActorRefs.Nobody);
    }

    /// <summary>The task is gone: so are its execs.</summary>
    public void DiscardAll()
    {
        (_ending, _gaveUp) = (false, false);
        foreach (var exec in _children.Keys)
            Forward(new ExecCommand.Discard(ExecId.Parse(id, exec), node.Clock.GetUtcNow()), null, ActorRefs.Nobody);
    }

    /// <summary>Takes an exec's status.</summary>
    /// <returns>The event to journal and apply, if the exec may be forgotten.</returns>
    public ExecRegistered? Accept(ExecActor.ExecStatus status, IActorRef sender)
    {
        if (!_children.TryGetValue(status.ExecId, out var child) || !child.Actor.Equals(sender)) return null;
        child.Reported = true;
        child.Alive = status.Alive;
        if (status.Handled == child.Sent) child.Launching = status.Launching; // else a start may be on the way
        return status.Gone && status.Handled == child.Sent
            ? new ExecRegistered(ExecId.Parse(id, status.ExecId), Present: false) : null;
    }

    /// <summary>Whether a message must wait for execs: then this kills them where needed, and the task stashes the
    /// message.</summary>
    public bool Holds(object message, TaskState state, ITimerScheduler timers)
    {
        var waits = message switch
        {
            TaskCommand.InitExited or KernelOutcome { Report: TaskCommand.InitGone } =>
                !_gaveUp && _children.Values.Any(c => c.Alive || c.Launching || !c.Reported),
            TaskCommand.Pause => _children.Values.Any(c => c.Launching),
            TaskActor.Retire => state is TaskState.Absent && Any,
            _ => false,
        };
        if (!waits) return false;
        _holding = true;
        if (message is TaskCommand.InitExited or KernelOutcome && !_ending)
        {
            _ending = true;
            // In a pid namespace of their own the kernel has killed them; in the host's they must be killed here.
            foreach (var exec in _children.Keys)
                Forward(new ExecCommand.Kill(ExecId.Parse(id, exec), node.Clock.GetUtcNow(), 9), null, ActorRefs.Nobody);
            timers.StartSingleTimer(ExecExitTimeout.Instance, ExecExitTimeout.Instance, ExitTimeout);
        }
        return true;
    }

    /// <summary>Stops waiting for exits.</summary>
    public void GiveUp() => _gaveUp = _ending;

    /// <summary>Whether the task must unstash what waits for execs, now that one has reported.</summary>
    public bool TryRelease()
    {
        var held = _holding;
        _holding = false;
        return held;
    }

    private static Refusal Stopped(ExecId exec) => new(RefusalCode.FailedPrecondition,
        $"cannot exec in container {exec.Container.Value}: it has exited, start it first");

    private static Refusal Paused(ExecId exec) => new(RefusalCode.FailedPrecondition,
        $"cannot exec in container {exec.Container.Value}: it is paused, resume it first");

    private static Refusal NotFound(ExecId exec) => new(RefusalCode.NotFound, ExecMachine.NotFoundMessage(exec));

    private sealed class Child(IActorRef actor)
    {
        public IActorRef Actor { get; } = actor;
        public long Sent { get; set; }
        public bool Launching { get; set; }
        public bool Alive { get; set; }
        public bool Reported { get; set; }
    }
}
