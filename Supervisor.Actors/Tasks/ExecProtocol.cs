using Supervisor.Actors.Identity;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Tasks;

/// <summary>
/// What an exec is told, through its task, which adds what only it knows. A <see cref="Report"/> is never refused.
/// </summary>
/// <param name="At">When it was asked or observed; nothing below reads a clock.</param>
public abstract record ExecCommand(ExecId Id, DateTimeOffset At)
{
    /// <summary>Registers it; nothing runs yet.</summary>
    public sealed record Add(ExecId Id, DateTimeOffset At, ExecSetup Setup) : ExecCommand(Id, At);

    /// <summary>Makes the process and lets it run its program.</summary>
    public sealed record Start(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>Sends a signal.</summary>
    /// <param name="Signal">The number; 0 only asks whether the process is there. kill(2).</param>
    public sealed record Kill(ExecId Id, DateTimeOffset At, int Signal) : ExecCommand(Id, At);

    /// <summary>Collects the exit, and frees the id.</summary>
    public sealed record Delete(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>Its task is gone, and every process of it.</summary>
    public sealed record Discard(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>
    /// What the kernel did. Every effect but <see cref="ExecEffect.Watch"/> ends in exactly one report, done or failed.
    /// </summary>
    public abstract record Report(ExecId Id, DateTimeOffset At) : ExecCommand(Id, At);

    /// <summary>The process exists and waits before its program.</summary>
    public sealed record Spawned(ExecId Id, DateTimeOffset At, InitProcess Process) : Report(Id, At);

    /// <summary>It runs the user's program.</summary>
    public sealed record Released(ExecId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>The process ended.</summary>
    public sealed record Exited(ExecId Id, DateTimeOffset At, TaskExit Exit) : Report(Id, At);

    /// <summary>The signal was sent.</summary>
    public sealed record Signalled(ExecId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>After our restart: the process is alive.</summary>
    public sealed record Adopted(ExecId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>An effect could not be carried out, and has undone what it had begun.</summary>
    public sealed record EffectFailed(ExecId Id, DateTimeOffset At, ExecEffect Effect, Refusal Reason) : Report(Id, At);
}

/// <summary>The answer to a client's command.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="State">The exec afterwards; for a delete, as it was before.</param>
public sealed record ExecReply(ExecId Id, Refusal? Refusal, ExecState State);

/// <summary>What is to be done in the kernel.</summary>
public abstract record ExecEffect
{
    /// <summary>Stdio and the process, held before its program. If we die, so does the process.</summary>
    public sealed record Spawn(ExecSetup Setup) : ExecEffect;

    /// <summary>Tells the held process to go on, and learns whether its program was executed.</summary>
    public sealed record Release(InitProcess Process) : ExecEffect;

    /// <summary>Asks the reaper to tell of its end.</summary>
    public sealed record Watch(InitProcess Process) : ExecEffect;

    /// <summary>Sends a signal.</summary>
    public sealed record Signal(InitProcess Process, int Number) : ExecEffect;

    /// <summary>After our restart: finds the process by pid, start time and boot id, or learns that it is gone.</summary>
    /// <param name="Process">Null where none was journalled: it was never released, and ended with our former self.</param>
    public sealed record Adopt(InitProcess? Process) : ExecEffect;

    /// <summary>Ends a process that came too late: nobody wants it any more.</summary>
    public sealed record End : ExecEffect;
}

/// <summary>
/// What happened to an exec. Journalled, so names and fields are a file format: journal/v1/exec.proto. As with
/// <see cref="TaskEvent"/>, complete in itself, and none waits for the disk.
/// </summary>
public abstract record ExecEvent(DateTimeOffset At) : IUnsyncedEvent
{
    /// <summary>It was registered.</summary>
    public sealed record Added(DateTimeOffset At, ExecSetup Setup) : ExecEvent(At);

    /// <summary>Intent: a process is about to be made.</summary>
    public sealed record StartRequested(DateTimeOffset At) : ExecEvent(At);

    /// <summary>The process waits before its program. Journalled before it is let go: one that runs is always known.</summary>
    public sealed record Spawned(DateTimeOffset At, InitProcess Process) : ExecEvent(At);

    /// <summary>The program runs.</summary>
    /// <param name="Pid">The process's; 0 in journals of the first format.</param>
    public sealed record Started(DateTimeOffset At, int Pid) : ExecEvent(At);

    /// <summary>Nothing runs; it may be started again.</summary>
    public sealed record StartFailed(DateTimeOffset At, string Error) : ExecEvent(At);

    /// <summary>The process ended.</summary>
    public sealed record Exited(DateTimeOffset At, TaskExit Exit, int Pid) : ExecEvent(At);

    /// <summary>The exec is gone; the id is free.</summary>
    public sealed record Deleted(DateTimeOffset At) : ExecEvent(At);
}

/// <summary>A task has an exec of this id, or has it no more. In the task's journal: journal/v1/exec.proto.</summary>
public sealed record ExecRegistered(ExecId Id, bool Present) : IUnsyncedEvent;
