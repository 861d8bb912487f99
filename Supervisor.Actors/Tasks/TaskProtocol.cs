using System.Collections.Immutable;
using Supervisor.Actors.Identity;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Tasks;

/// <summary>What a task is told. A client's command may be refused; a <see cref="Report"/> never.</summary>
/// <param name="At">When it was asked or observed; nothing below reads a clock.</param>
public abstract record TaskCommand(ContainerId Id, DateTimeOffset At)
{
    /// <summary>Makes the init process, held before its program. Sent by the container, which adds its spec.</summary>
    /// <param name="Spec">The OCI spec's JSON.</param>
    /// <param name="Restore">Where to restore its processes from, at its start; null: a fresh one.</param>
    public sealed record Create(
        ContainerId Id, DateTimeOffset At, TaskSetup Setup, ReadOnlyMemory<byte> Spec, RestoreSource? Restore = null)
        : TaskCommand(Id, At);

    /// <summary>Makes a task of a container that runs, and that the journal has lost.</summary>
    /// <param name="IsStarted">Its program runs; else its init waits for the start.</param>
    public sealed record Adopt(
        ContainerId Id, DateTimeOffset At, TaskSetup Setup, InitProcess Init,
            ImmutableSortedDictionary<string, string> CgroupPaths, bool IsStarted) : TaskCommand(Id, At);

    /// <summary>Lets the init run its program.</summary>
    public sealed record Start(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>Sends a signal to the init, or to every process of the task.</summary>
    /// <param name="Signal">The number; 0 only asks whether the process is there. kill(2).</param>
    public sealed record Kill(ContainerId Id, DateTimeOffset At, int Signal, bool All) : TaskCommand(Id, At);

    /// <summary>Freezes every process of the task.</summary>
    public sealed record Pause(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>Thaws every process of the task.</summary>
    public sealed record Resume(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>Writes the memory and the state of a task's processes into files, from which they can be restored.</summary>
    public sealed record Checkpoint(ContainerId Id, DateTimeOffset At, CheckpointRequest Request) : TaskCommand(Id, At);

    /// <summary>Collects the exit and frees cgroup, mounts and bundle. Kills a task that was never started.</summary>
    public sealed record Delete(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>What the kernel did. Every effect ends in exactly one report, done or failed.</summary>
    public abstract record Report(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>The init exists and waits for <see cref="Start"/>.</summary>
    public sealed record InitSpawned(
        ContainerId Id, DateTimeOffset At, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : Report(Id, At);

    /// <summary>The init runs the user's program.</summary>
    public sealed record InitStarted(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>The program could not be executed; the init is gone.</summary>
    /// <param name="Status">127 not found, 126 not executable.</param>
    public sealed record StartFailed(ContainerId Id, DateTimeOffset At, string Error, int Status) : Report(Id, At);

    /// <summary>The init is no more.</summary>
    /// <param name="Exit">What can be said of its end.</param>
    public abstract record InitEnded(ContainerId Id, DateTimeOffset At, TaskExit Exit) : Report(Id, At);

    /// <summary>It ended while it was watched: the answer to a start may still come.</summary>
    public sealed record InitExited(ContainerId Id, DateTimeOffset At, TaskExit Exit) : InitEnded(Id, At, Exit);

    /// <summary>After our restart it is not there, and no other report of its life will come.</summary>
    public sealed record InitGone(ContainerId Id, DateTimeOffset At, TaskExit Exit) : InitEnded(Id, At, Exit);

    /// <summary>The kernel killed a process of the task for want of memory.</summary>
    public sealed record OutOfMemory(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>The signal was sent.</summary>
    public sealed record Signalled(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>Every process is frozen.</summary>
    public sealed record Frozen(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>Every process runs again.</summary>
    public sealed record Thawed(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>
    /// The files are complete. An exit that was asked for is told by <see cref="InitExited"/>, before or after this.
    /// </summary>
    public sealed record Checkpointed(ContainerId Id, DateTimeOffset At, CheckpointRequest Request) : Report(Id, At);

    /// <summary>The processes of a checkpoint run again.</summary>
    public sealed record InitRestored(
        ContainerId Id, DateTimeOffset At, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : Report(Id, At);

    /// <summary>After our restart: the init is alive and is watched again.</summary>
    /// <param name="IsHeld">It waits for its start, and whoever made it, or its heir, can still give the word.</param>
    public sealed record InitAdopted(ContainerId Id, DateTimeOffset At, bool IsFrozen, bool IsHeld = false) : Report(Id, At);

    /// <summary>Nothing of the task is left in the kernel or on disk.</summary>
    public sealed record TornDown(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>An effect could not be carried out, and has undone what it had begun.</summary>
    public sealed record EffectFailed(ContainerId Id, DateTimeOffset At, TaskEffect Effect, Refusal Reason) : Report(Id, At);
}

/// <summary>The answer to a client's command.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="State">The task afterwards; for a delete, as it was when it was deleted.</param>
public sealed record TaskReply(ContainerId Id, Refusal? Refusal, TaskState State);

/// <summary>What is to be done in the kernel. Each bears being done twice: it looks before it acts.</summary>
public abstract record TaskEffect
{
    /// <summary>Bundle, cgroup, stdio and the init process, held before its program.</summary>
    public sealed record SpawnInit(TaskSetup Setup, ReadOnlyMemory<byte> Spec) : TaskEffect;

    /// <summary>Tells the held init to go on, and learns whether its program was executed.</summary>
    public sealed record ReleaseInit(InitProcess Init) : TaskEffect;

    /// <summary>Sends a signal.</summary>
    public sealed record Signal(InitProcess Init, int Number, bool All, ImmutableSortedDictionary<string, string> CgroupPaths)
        : TaskEffect;

    /// <summary>Freezes the cgroup.</summary>
    public sealed record Freeze(ImmutableSortedDictionary<string, string> CgroupPaths) : TaskEffect;

    /// <summary>Thaws the cgroup.</summary>
    public sealed record Thaw(ImmutableSortedDictionary<string, string> CgroupPaths) : TaskEffect;

    /// <summary>Writes the processes into files. A second time, over what a first one left, it begins again.</summary>
    public sealed record CheckpointInit(InitProcess Init, CheckpointRequest Request) : TaskEffect;

    /// <summary>Bundle, cgroup, stdio and the processes of a checkpoint, which then run.</summary>
    public sealed record RestoreInit(TaskSetup Setup, TaskRestore Restore) : TaskEffect;

    /// <summary>After our restart: finds the init by pid, start time and boot id; watches it, or learns how it ended.</summary>
    /// <param name="Release">It was to be let go when we ended: it is, if it waits still.</param>
    public sealed record AdoptInit(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, bool Release = false)
        : TaskEffect;

    /// <summary>Kills what is left, then removes cgroup, bundle and stdio.</summary>
    /// <param name="Images">A directory of ours with the images of a restore that is not to be; empty for none.</param>
    public sealed record TearDown(
        TaskSetup Setup, InitProcess? Init, ImmutableSortedDictionary<string, string> CgroupPaths, string Images = "")
        : TaskEffect;
}

/// <summary>
/// What happened to a task. Journalled, so names and fields are a file format: journal/v1/task.proto. Complete in itself: what
/// subscribers see of it needs no other event. A task does not outlive the machine, so none waits for the disk.
/// </summary>
public abstract record TaskEvent(DateTimeOffset At) : IUnsyncedEvent
{
    /// <summary>Intent: an init is about to be made.</summary>
    public sealed record CreateRequested(DateTimeOffset At, TaskSetup Setup) : TaskEvent(At);

    /// <summary>The init waits for start.</summary>
    /// <param name="Setup">Null in journals of the first format.</param>
    public sealed record Created(
        DateTimeOffset At, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, TaskSetup? Setup)
        : TaskEvent(At);

    /// <summary>No init was made; nothing is left of the attempt.</summary>
    public sealed record CreateFailed(DateTimeOffset At, string Error) : TaskEvent(At);

    /// <summary>Intent: the init is about to be let go.</summary>
    public sealed record StartRequested(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The program runs.</summary>
    /// <param name="Pid">The init's; here and below 0 where there was none, and in journals of the first format.</param>
    public sealed record Started(DateTimeOffset At, int Pid) : TaskEvent(At);

    /// <summary>The program could not be executed.</summary>
    public sealed record StartFailed(DateTimeOffset At, string Error, TaskExit Exit, int Pid) : TaskEvent(At);

    /// <summary>The init ended before the kernel pool could say whether its program was executed.</summary>
    public sealed record DiedWhileStarting(DateTimeOffset At, TaskExit Exit) : TaskEvent(At);

    /// <summary>The task is to be restored when it is started.</summary>
    public sealed record RestorePrepared(DateTimeOffset At, TaskSetup Setup, TaskRestore Restore) : TaskEvent(At);

    /// <summary>The processes of the checkpoint run.</summary>
    public sealed record Restored(DateTimeOffset At, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : TaskEvent(At);

    /// <summary>Nothing was restored, and nothing is left of the attempt; it may be started again.</summary>
    public sealed record RestoreFailed(DateTimeOffset At, string Error) : TaskEvent(At);

    /// <summary>The processes were written into files.</summary>
    /// <param name="Images">The directory that the asker named; empty when it becomes content.</param>
    public sealed record Checkpointed(DateTimeOffset At, string Images) : TaskEvent(At);

    /// <summary>Every process is frozen.</summary>
    public sealed record Paused(DateTimeOffset At) : TaskEvent(At);

    /// <summary>Every process runs again.</summary>
    public sealed record Resumed(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The kernel killed a process of the task for want of memory.</summary>
    public sealed record OomKilled(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The init ended.</summary>
    public sealed record Exited(DateTimeOffset At, TaskExit Exit, int Pid) : TaskEvent(At);

    /// <summary>Intent: what is left of the task is about to be removed.</summary>
    public sealed record DeleteRequested(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The task is gone; the container may have another.</summary>
    /// <param name="Exit">How its init ended; null in journals of the first format.</param>
    public sealed record Deleted(DateTimeOffset At, int Pid, TaskExit? Exit) : TaskEvent(At);
}
