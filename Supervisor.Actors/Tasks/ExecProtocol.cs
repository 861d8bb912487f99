using Supervisor.Actors.Identity;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// A command to an exec, sent through its task, which adds what only it knows. A <see cref="Report"/> is never refused.
/// </summary>
/// <param name="At">When it was requested or observed; the machine reads no clock.</param>
public abstract record ExecCommand(ExecId Id, DateTimeOffset At)
{
    /// <summary>Adds the exec; nothing runs yet.</summary>
    public sealed record Add(ExecId Id, DateTimeOffset At, ExecSetup Setup) : ExecCommand(Id, At);

    /// <summary>Spawns the process and starts its program.</summary>
    public sealed record Start(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>Sends a signal.</summary>
    /// <param name="Signal">The number; 0 only checks whether the process exists. kill(2).</param>
    public sealed record Kill(ExecId Id, DateTimeOffset At, int Signal) : ExecCommand(Id, At);

    /// <summary>Collects the exit, and frees the id.</summary>
    public sealed record Delete(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>Its task is gone, with all its processes.</summary>
    public sealed record Discard(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>A client of the container's Shim service started it; there is no record of it yet.</summary>
    public sealed record Adopt(ExecId Id, DateTimeOffset At, ExecSetup Setup, InitProcess Process) : ExecCommand(Id, At);

    /// <summary>A client of the container's Shim service collected its exit.</summary>
    public sealed record Forget(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>
    /// What the kernel did. Every effect but <see cref="ExecEffect.Watch"/> ends in exactly one report, done or failed.
    /// </summary>
    public abstract record Report(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>The process was spawned and waits before its program.</summary>
    public sealed record Spawned(ExecId Id, DateTimeOffset At, InitProcess Process) : Report(Id, At);

    /// <summary>It runs the user's program.</summary>
    public sealed record Released(ExecId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>The process exited.</summary>
    public sealed record Exited(ExecId Id, DateTimeOffset At, TaskExit Exit) : Report(Id, At);

    /// <summary>The signal was sent.</summary>
    public sealed record Signalled(ExecId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>After our restart: the process is alive.</summary>
    public sealed record Adopted(ExecId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>An effect failed, and has undone what it had done.</summary>
    public sealed record EffectFailed(ExecId Id, DateTimeOffset At, ExecEffect Effect, Refusal Reason)
        : Report(Id, At), IEffectFailed<ExecEffect>;
}

/// <summary>The answer to a client's command.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="State">The exec afterwards; for a delete, before it.</param>
public sealed record ExecReply(Refusal? Refusal, ExecState State);

/// <summary>What the kernel pool carries out.</summary>
public abstract record ExecEffect
{
    /// <summary>Creates stdio and spawns the process, held before its program. If we die, so does the process.</summary>
    public sealed record Spawn(ExecSetup Setup) : ExecEffect;

    /// <summary>Releases the held process, and reports whether its program was executed.</summary>
    public sealed record Release(InitProcess Process) : ExecEffect;

    /// <summary>Asks the reaper to report its exit.</summary>
    public sealed record Watch(InitProcess Process) : ExecEffect;

    /// <summary>Sends a signal.</summary>
    public sealed record Signal(InitProcess Process, int Number) : ExecEffect;

    /// <summary>After our restart: finds the process by pid, start time and boot id, or reports that it is gone.</summary>
    /// <param name="Process">Null if none was journalled: it was never released, and died with the previous daemon.</param>
    public sealed record Adopt(InitProcess? Process) : ExecEffect;

    /// <summary>Kills a process that was spawned too late.</summary>
    public sealed record End : ExecEffect;
}

/// <summary>
/// What happened to an exec. Journalled, so names and fields are a file format: journal/v1/exec.proto. As with
/// <see cref="TaskEvent"/>, each is complete in itself, and none waits for the disk.
/// </summary>
public abstract record ExecEvent(DateTimeOffset At) : IUnsyncedEvent
{
    /// <summary>It was added.</summary>
    public sealed record Added(DateTimeOffset At, ExecSetup Setup) : ExecEvent(At);

    /// <summary>Intent: a process is about to be spawned.</summary>
    public sealed record StartRequested(DateTimeOffset At) : ExecEvent(At);

    /// <summary>The process waits before its program. Journalled before it is released: a running process is always
    /// known.</summary>
    public sealed record Spawned(DateTimeOffset At, InitProcess Process) : ExecEvent(At);

    /// <summary>The program runs.</summary>
    /// <param name="Pid">The process's; 0 in journals of the first format.</param>
    public sealed record Started(DateTimeOffset At, int Pid) : ExecEvent(At);

    /// <summary>Nothing runs; it may be started again.</summary>
    public sealed record StartFailed(DateTimeOffset At, string Error) : ExecEvent(At);

    /// <summary>The process exited.</summary>
    public sealed record Exited(DateTimeOffset At, TaskExit Exit, int Pid) : ExecEvent(At);

    /// <summary>The exec is gone; the id is free.</summary>
    public sealed record Deleted(DateTimeOffset At) : ExecEvent(At);
}

/// <summary>A task has an exec of this id, or no longer has it. In the task's journal: journal/v1/exec.proto.</summary>
public sealed record ExecRegistered(ExecId Id, bool Present) : IDeferredEvent;
