using System.Collections.Immutable;
using System.Diagnostics;
using Google.Protobuf;
using Supervisor.Actors.Identity;
using static Supervisor.Actors.Tasks.Decision<Supervisor.Actors.Tasks.TaskEvent, Supervisor.Actors.Tasks.TaskEffect>;
using static Supervisor.Actors.Tasks.TaskCommand;
using static Supervisor.Actors.Tasks.TaskState;
using E = Supervisor.Actors.Tasks.TaskEvent;
using F = Supervisor.Actors.Tasks.TaskEffect;

namespace Supervisor.Actors.Tasks;

/// <summary>The life of a task. Pure: no clock, no I/O, no actor. Rendered whole in docs/machines/task.md.</summary>
/// <remarks>Codes and messages of refusals are containerd's, which clients match on.</remarks>
public static class TaskMachine
{
    private static readonly ImmutableSortedDictionary<string, string> NoCgroup = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What a command leads to. Every state answers every command.</summary>
    public static Decision<E, F> Decide(TaskState state, TaskCommand command) => (state, command) switch
    {
        (Absent, Create { Restore: { } source } c) =>
            Record(new E.RestorePrepared(c.At, c.Setup, new TaskRestore(source, ByteString.CopyFrom(c.Spec.Span)))),
        (Absent, Create c) => Begin(new E.CreateRequested(c.At, c.Setup), new F.SpawnInit(c.Setup, c.Spec)),
        (Absent, Adopt c) => new(
            [
                new E.CreateRequested(c.At, c.Setup), new E.Created(c.At, c.Init, c.CgroupPaths, c.Setup),
                .. c.IsStarted ? (TaskEvent[])[new E.StartRequested(c.At), new E.Started(c.At, c.Init.Pid)] : [],
            ],
            [new F.AdoptInit(c.Setup, c.Init, c.CgroupPaths)], null, AnswerWhen.EffectEnded),
        (_, Create or Adopt) => Refuse(RefusalCode.AlreadyExists, $"task {command.Id.Value}: already exists"),
        (Absent, not Report) => Refuse(RefusalCode.NotFound, $"task {command.Id.Value} not found"),

        (Creating s, InitSpawned r) => Record(new E.Created(r.At, r.Init, r.CgroupPaths, s.Setup)),
        (Creating, EffectFailed r) => new([new E.CreateFailed(r.At, r.Reason.Message)], [], r.Reason),
        (Creating, TornDown r) => Record(new E.CreateFailed(r.At, "the daemon exited before the task was created")),
        (Creating, Delete or Kill) => Refuse(RefusalCode.FailedPrecondition, "the task is being created"),

        (Prepared s, Start c) => Begin(new E.StartRequested(c.At), new F.RestoreInit(s.Setup, s.Restore)),
        (Restoring, InitRestored r) => Record(new E.Restored(r.At, r.Init, r.CgroupPaths)),
        (Restoring, EffectFailed { Effect: F.RestoreInit } r) => new([new E.RestoreFailed(r.At, r.Reason.Message)], [], r.Reason),
        // Our restart interrupted the restore: its remains and its images are removed.
        (Restoring, TornDown or EffectFailed { Effect: F.TearDown }) => Record(
            new E.Exited(command.At, new TaskExit(255, command.At, "the daemon exited before the task was restored"), Pid: 0)),
        (Prepared, Kill) => Refuse(RefusalCode.FailedPrecondition, "the task is not restored yet: start or delete it"),
        (Restoring, Kill or Delete) => Refuse(RefusalCode.FailedPrecondition, "the task is being restored"),
        // It never ran; waiters get an exit all the same.
        (Prepared s, Delete c) => new(
            [new E.Exited(c.At, new TaskExit(137, c.At, "it was deleted before it was restored"), Pid: 0),
                new E.DeleteRequested(c.At)],
            [new F.TearDown(s.Setup, InitProcess.None, NoCgroup, s.Restore.Source.Owned)], null, AnswerWhen.Settled),

        (Created s, Start c) => Begin(new E.StartRequested(c.At), new F.ReleaseInit(s.Init)),
        (Starting, InitStarted r) => Started((Starting)state, r),
        // By a client of its Shim service.
        (Created s, InitStarted r) => Record(new E.StartRequested(r.At), new E.Started(r.At, s.Init.Pid)),
        (Starting s, StartFailed r) => new(
            [new E.StartFailed(r.At, r.Error, new TaskExit(r.Status, r.At), s.Init.Pid)],
                [new F.TearDown(s.Setup, s.Init, s.CgroupPaths)], null, AnswerWhen.Settled),
        (Starting s, EffectFailed { Effect: F.ReleaseInit } r) => new(
            [new E.StartFailed(r.At, r.Reason.Message, new TaskExit(255, r.At, r.Reason.Message), s.Init.Pid)],
            [new F.TearDown(s.Setup, s.Init, s.CgroupPaths)], null, AnswerWhen.Settled),
        // No InitStarted will follow: whether its program was executed is unknown, and its exit says so.
        (Starting s, InitGone r) =>
            Record(new E.Started(r.At, s.Init.Pid), new E.Exited(r.At, s.EarlyExit ?? r.Exit, s.Init.Pid)),
        (Starting { EarlyExit: null }, InitExited r) => Record(new E.DiedWhileStarting(r.At, r.Exit)),
        (_, Start) => Refuse(RefusalCode.FailedPrecondition, $"cannot start a {Word(state)} process"),

        (Stopped or Deleting, Kill { All: false }) => Refuse(RefusalCode.NotFound, "process already finished"),
        (Stopped or Deleting, Kill) => Nothing,
        (WithInit s, Kill c) => Do(new F.Signal(s.Init, c.Signal, c.All, s.CgroupPaths)),

        (Running s, Pause) => Do(new F.Freeze(s.CgroupPaths)),
        (_, Pause) => Refuse(RefusalCode.FailedPrecondition, $"cannot pause a {Word(state)} container"),
        (Paused s, Resume) => Do(new F.Thaw(s.CgroupPaths)),
        (_, Resume) => Refuse(RefusalCode.FailedPrecondition, $"cannot resume a {Word(state)} container"),
        (Running or Paused, TaskCommand.Checkpoint c) => Do(new F.CheckpointInit(((WithInit)state).Init, c.Request)),
        (_, TaskCommand.Checkpoint) => Refuse(RefusalCode.FailedPrecondition, $"cannot checkpoint a {Word(state)} container"),
        (Running or Paused or Stopped, Checkpointed r) =>
            Record(new E.Checkpointed(r.At, r.Request.IsContent ? "" : r.Request.Images)),
        (Running, Frozen r) => Record(new E.Paused(r.At)),
        (Paused, Thawed r) => Record(new E.Resumed(r.At)),

        (Running { OomKilled: false } or Paused { OomKilled: false }, OutOfMemory r) => Record(new E.OomKilled(r.At)),
        (Created or Running or Paused, InitEnded r) => Record(new E.Exited(r.At, r.Exit, ((WithInit)state).Init.Pid)),

        (Stopped s, Delete c) => Begin(new E.DeleteRequested(c.At), new F.TearDown(s.Setup, s.Init, s.CgroupPaths)),
        // Killed first, and removed after its exit: the exit is published before the delete.
        (Created s, Delete c) => Begin(new E.DeleteRequested(c.At), new F.Signal(s.Init, 9, All: false, s.CgroupPaths)),
        (Deleting { Exit: null } s, InitEnded r) =>
            new([new E.Exited(r.At, r.Exit, s.Init.Pid)], [new F.TearDown(s.Setup, s.Init, s.CgroupPaths)]),
        (Deleting, Delete) => new([], [], null, AnswerWhen.Settled),
        (_, Delete) => Refuse(RefusalCode.FailedPrecondition, $"cannot delete a {Word(state)} process"),
        (Deleting { Exit: not null } s, TornDown r) => new(
            [new E.Deleted(r.At, s.Init.Pid, s.Exit)], [], s.Failure is null
                ? null : new Refusal(RefusalCode.Unknown, s.Failure)),
        // It stays in Deleting: the next delete, or our next start, retries.
        (Deleting s, EffectFailed { Effect: F.TearDown } r) => new([], [], r.Reason),

        // Recovery found it as in the journal, except perhaps for being frozen.
        (Running, InitAdopted { IsFrozen: true } r) => Record(new E.Paused(r.At)),
        (Paused, InitAdopted { IsFrozen: false } r) => Record(new E.Resumed(r.At)),
        (Starting { EarlyExit: { } exit } s, InitAdopted r) =>
            Record(new E.Started(r.At, s.Init.Pid), new E.Exited(r.At, exit, s.Init.Pid)),
        (Starting s, InitAdopted r) => Record(new E.Started(r.At, s.Init.Pid)),
        (Created s, InitAdopted { IsStarted: true } r) => Record(
            [new E.StartRequested(r.At), new E.Started(r.At, s.Init.Pid),
                .. r.IsFrozen ? (TaskEvent[])[new E.Paused(r.At)] : []]),
        // Its parent died with the previous daemon: it can never be started, so it is killed.
        (Created s, InitAdopted { IsHeld: false }) => new([], [new F.Signal(s.Init, 9, All: false, s.CgroupPaths)]),
        (Deleting { Exit: null } s, InitAdopted) => new([], [new F.Signal(s.Init, 9, All: false, s.CgroupPaths)]),

        (_, Report) => Nothing, // a duplicate or late report changes nothing
        _ => throw new UnreachableException($"{state} × {command}"),
    };

    /// <summary>The state after an event. Total over what <see cref="Decide"/> can emit in each state.</summary>
    public static TaskState Apply(TaskState state, TaskEvent @event) => (state, @event) switch
    {
        (Absent, E.CreateRequested e) => new Creating(e.Setup),
        (Creating s, E.Created e) => new Created(s.Setup, e.Init, e.CgroupPaths),
        (Creating, E.CreateFailed) => new Absent(),
        (Absent, E.RestorePrepared e) => new Prepared(e.Setup, e.Restore),
        (Prepared s, E.StartRequested) => new Restoring(s.Setup, s.Restore),
        (Restoring s, E.Restored e) => new Running(s.Setup, e.Init, e.CgroupPaths),
        (Restoring s, E.RestoreFailed) => new Prepared(s.Setup, s.Restore),
        (Prepared or Restoring, E.Exited e) => new Stopped(((Present)state).Setup, InitProcess.None, NoCgroup, e.Exit),
        (Running or Paused or Stopped, E.Checkpointed) => state,
        (Created s, E.StartRequested) => new Starting(s.Setup, s.Init, s.CgroupPaths),
        (Starting s, E.DiedWhileStarting e) => s with { EarlyExit = e.Exit },
        (Starting s, E.Started) => new Running(s.Setup, s.Init, s.CgroupPaths),
        (Starting s, E.StartFailed e) => new Deleting(s.Setup, s.Init, s.CgroupPaths, e.Exit, Failure: e.Error),
        (Running s, E.Paused) => new Paused(s.Setup, s.Init, s.CgroupPaths, s.OomKilled),
        (Paused s, E.Resumed) => new Running(s.Setup, s.Init, s.CgroupPaths, s.OomKilled),
        (Running s, E.OomKilled) => s with { OomKilled = true },
        (Paused s, E.OomKilled) => s with { OomKilled = true },
        (Created s, E.Exited e) => new Stopped(s.Setup, s.Init, s.CgroupPaths, e.Exit),
        (Running s, E.Exited e) => new Stopped(s.Setup, s.Init, s.CgroupPaths, e.Exit, s.OomKilled),
        (Paused s, E.Exited e) => new Stopped(s.Setup, s.Init, s.CgroupPaths, e.Exit, s.OomKilled),
        (Stopped s, E.DeleteRequested) => new Deleting(s.Setup, s.Init, s.CgroupPaths, s.Exit, s.OomKilled),
        (Created s, E.DeleteRequested) => new Deleting(s.Setup, s.Init, s.CgroupPaths, Exit: null),
        (Deleting s, E.Exited e) => s with { Exit = e.Exit },
        (Deleting, E.Deleted) => new Absent(),
        _ => throw new UnreachableException($"{state} × {@event}"),
    };

    /// <summary>
    /// What to do after replay. Each of these effects is idempotent. A create that the crash interrupted is undone, not
    /// repeated: its caller is gone, and retries.
    /// </summary>
    public static ImmutableArray<TaskEffect> Recover(TaskState state) => state switch
    {
        Creating s => [new F.TearDown(s.Setup, null, NoCgroup)],
        Restoring s => [new F.TearDown(s.Setup, null, NoCgroup, s.Restore.Source.Owned)],
        Deleting { Exit: null } s => [new F.AdoptInit(s.Setup, s.Init, s.CgroupPaths)],
        Deleting s => [new F.TearDown(s.Setup, s.Init, s.CgroupPaths)],
        Stopped => [],
        Starting s => [new F.AdoptInit(s.Setup, s.Init, s.CgroupPaths, Release: true)],
        WithInit s => [new F.AdoptInit(s.Setup, s.Init, s.CgroupPaths)],
        _ => [],
    };

    private static Decision<E, F> Started(Starting state, InitStarted report) => state.EarlyExit is { } exit
        ? Record(new E.Started(report.At, state.Init.Pid), new E.Exited(report.At, exit, state.Init.Pid))
        : Record(new E.Started(report.At, state.Init.Pid));

    private static string Word(TaskState state) => state switch
    {
        Creating or Created or Prepared => "created",
        Starting or Restoring or Running => "running",
        Paused => "paused",
        _ => "stopped",
    };
}
