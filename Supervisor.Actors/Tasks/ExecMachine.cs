using System.Collections.Immutable;
using System.Diagnostics;
using Supervisor.Actors.Identity;
using static Supervisor.Actors.Tasks.Decision<Supervisor.Actors.Tasks.ExecEvent, Supervisor.Actors.Tasks.ExecEffect>;
using static Supervisor.Actors.Tasks.ExecCommand;
using static Supervisor.Actors.Tasks.ExecState;
using E = Supervisor.Actors.Tasks.ExecEvent;
using F = Supervisor.Actors.Tasks.ExecEffect;

namespace Supervisor.Actors.Tasks;

/// <summary>The life of an exec. Pure: no clock, no I/O, no actor. Rendered whole in docs/machines/exec.md.</summary>
/// <remarks>
/// The task has already checked what depends on it (paused, stopped). Codes and messages of refusals are containerd's, which
/// clients match on.
/// </remarks>
public static class ExecMachine
{
    /// <summary>What a command leads to. Every state answers every command.</summary>
    public static Decision<E, F> Decide(ExecState state, ExecCommand command) => (state, command) switch
    {
        (Absent, Add c) => Record(new E.Added(c.At, c.Setup)),
        (_, Add) => Refuse(RefusalCode.AlreadyExists, $"exec {command.Id.Value}: already exists"),
        (Absent, Adopt c) => new(
            [new E.Added(c.At, c.Setup), new E.StartRequested(c.At), new E.Spawned(c.At, c.Process),
                new E.Started(c.At, c.Process.Pid)],
            [new F.Adopt(c.Process)]),
        (_, Adopt) => Nothing, // reported again
        (Stopped, Forget c) => Record(new E.Deleted(c.At)),
        (_, Forget) => Nothing, // its exit is not journalled yet: the shim reports it again then
        (Absent, Discard) => Nothing,
        (Absent, not Report) => Refuse(RefusalCode.NotFound, NotFoundMessage(command.Id)),

        (Added s, Start c) => Begin(new E.StartRequested(c.At), new F.Spawn(s.Setup)),
        (_, Start) => Refuse(RefusalCode.FailedPrecondition, $"cannot start a {Word(state)} process"),
        (Starting, Spawned r) => new([new E.Spawned(r.At, r.Process)], [new F.Release(r.Process)]),
        (Starting, EffectFailed r) => new([new E.StartFailed(r.At, r.Reason.Message)], [], r.Reason),
        (Held s, Released r) => new([new E.Started(r.At, s.Process.Pid)], [new F.Watch(s.Process)]),
        (Held, EffectFailed { Effect: F.Release } r) => new([new E.StartFailed(r.At, r.Reason.Message)], [], r.Reason),

        (Added or Starting, Kill) => Refuse(RefusalCode.FailedPrecondition, "process not created"),
        (Held or Running, Kill c) => Do(new F.Signal(((WithProcess)state).Process, c.Signal)),
        (Stopped, Kill) => Refuse(RefusalCode.NotFound, "process already finished"),

        (Running s, Exited r) => Record(new E.Exited(r.At, r.Exit, s.Process.Pid)),
        // Found gone after our restart: whether its program was executed is unknown, and its exit says so.
        (Held s, Exited r) => Record(new E.Started(r.At, s.Process.Pid), new E.Exited(r.At, r.Exit, s.Process.Pid)),
        (Held s, Adopted r) => new([new E.Started(r.At, s.Process.Pid)], [new F.Watch(s.Process)]),
        (Running s, Adopted) => new([], [new F.Watch(s.Process)]),

        (Added or Stopped, Delete c) => Record(new E.Deleted(c.At)),
        (_, Delete) => Refuse(RefusalCode.FailedPrecondition, $"cannot delete a {Word(state)} process"),
        (_, Discard c) => Record(new E.Deleted(c.At)),

        (_, Report) => Nothing, // a duplicate or late report changes nothing
        _ => throw new UnreachableException($"{state} × {command}"),
    };

    /// <summary>The state after an event. Total over what <see cref="Decide"/> can emit in each state.</summary>
    public static ExecState Apply(ExecState state, ExecEvent @event) => (state, @event) switch
    {
        (Absent, E.Added e) => new Added(e.Setup),
        (Added s, E.StartRequested) => new Starting(s.Setup),
        (Starting s, E.Spawned e) => new Held(s.Setup, e.Process),
        (Starting s, E.StartFailed) => new Added(s.Setup),
        (Held s, E.StartFailed) => new Added(s.Setup),
        (Held s, E.Started) => new Running(s.Setup, s.Process),
        (Running s, E.Exited e) => new Stopped(s.Setup, s.Process, e.Exit),
        (Present, E.Deleted) => new Absent(),
        _ => throw new UnreachableException($"{state} × {@event}"),
    };

    /// <summary>What to do after replay. Each of these effects is idempotent.</summary>
    public static ImmutableArray<ExecEffect> Recover(ExecState state) => state switch
    {
        Starting => [new F.Adopt(null)],
        Stopped => [],
        WithProcess s => [new F.Adopt(s.Process)],
        _ => [],
    };

    /// <summary>containerd's words, which clients match on.</summary>
    public static string NotFoundMessage(ExecId id) => $"process does not exist {id.Value}: not found";

    private static string Word(ExecState state) => state switch
    {
        Added => "created",
        Starting or Held or Running => "running",
        _ => "stopped",
    };
}
