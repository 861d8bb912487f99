using System.Collections.Immutable;
using Supervisor.Actors.Identity;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Tasks;

/// <summary>A command to a task. A client's command may be refused; a <see cref="Report"/> never.</summary>
/// <param name="At">When it was requested or observed; the machine reads no clock.</param>
public abstract record TaskCommand(ContainerId Id, DateTimeOffset At)
{
    /// <summary>Spawns the init process, held before its program. Sent by the container, which adds its spec.</summary>
    /// <param name="Spec">The OCI spec's JSON.</param>
    /// <param name="Restore">The checkpoint to restore at its start; null: a new task.</param>
    public sealed record Create(
        ContainerId Id, DateTimeOffset At, TaskSetup Setup, ReadOnlyMemory<byte> Spec, RestoreSource? Restore = null)
        : TaskCommand(Id, At);

    /// <summary>Creates the task of a running container that is missing from the journal.</summary>
    /// <param name="IsStarted">Its program runs; otherwise its init waits for the start.</param>
    public sealed record Adopt(
        ContainerId Id, DateTimeOffset At, TaskSetup Setup, InitProcess Init,
            ImmutableSortedDictionary<string, string> CgroupPaths, bool IsStarted) : TaskCommand(Id, At);

    /// <summary>Lets the init run its program.</summary>
    public sealed record Start(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>Sends a signal to the init, or to every process of the task.</summary>
    /// <param name="Signal">The number; 0 only checks whether the process exists. kill(2).</param>
    public sealed record Kill(ContainerId Id, DateTimeOffset At, int Signal, bool All) : TaskCommand(Id, At);

    /// <summary>Freezes every process of the task.</summary>
    public sealed record Pause(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>Thaws every process of the task.</summary>
    public sealed record Resume(ContainerId Id, DateTimeOffset At) : TaskCommand(Id, At);

    /// <summary>Writes the memory and state of a task's processes to files, from which they can be restored.</summary>
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

    /// <summary>The init exited.</summary>
    /// <param name="Exit">Its exit, as far as it is known.</param>
    public abstract record InitEnded(ContainerId Id, DateTimeOffset At, TaskExit Exit) : Report(Id, At);

    /// <summary>It exited while it was watched: the reply to a start may still come.</summary>
    public sealed record InitExited(ContainerId Id, DateTimeOffset At, TaskExit Exit) : InitEnded(Id, At, Exit);

    /// <summary>It is gone after our restart, and no other report of it will come.</summary>
    public sealed record InitGone(ContainerId Id, DateTimeOffset At, TaskExit Exit) : InitEnded(Id, At, Exit);

    /// <summary>The OOM killer killed a process of the task.</summary>
    public sealed record OutOfMemory(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>The signal was sent.</summary>
    public sealed record Signalled(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>Every process is frozen.</summary>
    public sealed record Frozen(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>Every process runs again.</summary>
    public sealed record Thawed(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>The files are complete. A requested exit is reported by <see cref="InitExited"/>, before or after this.</summary>
    public sealed record Checkpointed(ContainerId Id, DateTimeOffset At, CheckpointRequest Request) : Report(Id, At);

    /// <summary>The processes of a checkpoint run again.</summary>
    public sealed record InitRestored(
        ContainerId Id, DateTimeOffset At, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : Report(Id, At);

    /// <summary>After our restart: the init is alive and is watched again.</summary>
    /// <param name="IsHeld">It waits for its start, and its parent, or the process that adopted it, can still start it.</param>
    /// <param name="IsStarted">A client of its Shim service started it, maybe while no daemon ran.</param>
    public sealed record InitAdopted(
        ContainerId Id, DateTimeOffset At, bool IsFrozen, bool IsHeld = false, bool IsStarted = false) : Report(Id, At);

    /// <summary>Nothing of the task is left in the kernel or on disk.</summary>
    public sealed record TornDown(ContainerId Id, DateTimeOffset At) : Report(Id, At);

    /// <summary>An effect failed, and has undone what it had done.</summary>
    public sealed record EffectFailed(ContainerId Id, DateTimeOffset At, TaskEffect Effect, Refusal Reason)
        : Report(Id, At), IEffectFailed<TaskEffect>;
}

/// <summary>The answer to a client's command.</summary>
/// <param name="Refusal">Null when the command was carried out.</param>
/// <param name="State">The task afterwards; for a delete, when it was deleted.</param>
public sealed record TaskReply(Refusal? Refusal, TaskState State);

/// <summary>What the kernel pool carries out. Each is idempotent: it checks before it acts.</summary>
public abstract record TaskEffect
{
    /// <summary>Creates bundle, cgroup and stdio, and spawns the init process, held before its program.</summary>
    public sealed record SpawnInit(TaskSetup Setup, ReadOnlyMemory<byte> Spec) : TaskEffect;

    /// <summary>Releases the held init, and reports whether its program was executed.</summary>
    public sealed record ReleaseInit(InitProcess Init) : TaskEffect;

    /// <summary>Sends a signal.</summary>
    public sealed record Signal(InitProcess Init, int Number, bool All, ImmutableSortedDictionary<string, string> CgroupPaths)
        : TaskEffect;

    /// <summary>Freezes the cgroup.</summary>
    public sealed record Freeze(ImmutableSortedDictionary<string, string> CgroupPaths) : TaskEffect;

    /// <summary>Thaws the cgroup.</summary>
    public sealed record Thaw(ImmutableSortedDictionary<string, string> CgroupPaths) : TaskEffect;

    /// <summary>Writes the processes to files. A repeat starts over and replaces what the first one left.</summary>
    public sealed record CheckpointInit(InitProcess Init, CheckpointRequest Request) : TaskEffect;

    /// <summary>Creates bundle, cgroup and stdio, and restores the processes of a checkpoint, which then run.</summary>
    public sealed record RestoreInit(TaskSetup Setup, TaskRestore Restore) : TaskEffect;

    /// <summary>After our restart: finds the init by pid, start time and boot id; watches it, or reports how it exited.</summary>
    /// <param name="Release">A start was in progress when the daemon died: release it if it still waits.</param>
    public sealed record AdoptInit(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, bool Release = false)
        : TaskEffect;

    /// <summary>Kills what is left, then removes cgroup, bundle and stdio.</summary>
    /// <param name="Images">A directory of ours with the images of a cancelled restore; empty for none.</param>
    public sealed record TearDown(
        TaskSetup Setup, InitProcess? Init, ImmutableSortedDictionary<string, string> CgroupPaths, string Images = "")
        : TaskEffect;
}

/// <summary>
/// What happened to a task. Journalled, so names and fields are a file format: journal/v1/task.proto. Each is complete in
/// itself: its published form needs no other event. A task does not outlive the boot, so none waits for the disk.
/// </summary>
public abstract record TaskEvent(DateTimeOffset At) : IUnsyncedEvent
{
    /// <summary>Intent: an init is about to be spawned.</summary>
    public sealed record CreateRequested(DateTimeOffset At, TaskSetup Setup) : TaskEvent(At);

    /// <summary>The init waits for start.</summary>
    /// <param name="Setup">Null in journals of the first format.</param>
    public sealed record Created(
        DateTimeOffset At, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, TaskSetup? Setup)
        : TaskEvent(At);

    /// <summary>No init was spawned; nothing is left of the attempt.</summary>
    public sealed record CreateFailed(DateTimeOffset At, string Error) : TaskEvent(At);

    /// <summary>Intent: the init is about to be released.</summary>
    public sealed record StartRequested(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The program runs.</summary>
    /// <param name="Pid">The init's; here and below 0 where there was none, and in journals of the first format.</param>
    public sealed record Started(DateTimeOffset At, int Pid) : TaskEvent(At);

    /// <summary>The program could not be executed.</summary>
    public sealed record StartFailed(DateTimeOffset At, string Error, TaskExit Exit, int Pid) : TaskEvent(At);

    /// <summary>The init exited before the kernel pool could report whether its program was executed.</summary>
    public sealed record DiedWhileStarting(DateTimeOffset At, TaskExit Exit) : TaskEvent(At);

    /// <summary>The task is to be restored when it is started.</summary>
    public sealed record RestorePrepared(DateTimeOffset At, TaskSetup Setup, TaskRestore Restore) : TaskEvent(At);

    /// <summary>The processes of the checkpoint run.</summary>
    public sealed record Restored(DateTimeOffset At, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : TaskEvent(At);

    /// <summary>Nothing was restored, and nothing is left of the attempt; it may be started again.</summary>
    public sealed record RestoreFailed(DateTimeOffset At, string Error) : TaskEvent(At);

    /// <summary>The processes were written to files.</summary>
    /// <param name="Images">The directory that the caller named; empty when it becomes content.</param>
    public sealed record Checkpointed(DateTimeOffset At, string Images) : TaskEvent(At);

    /// <summary>Every process is frozen.</summary>
    public sealed record Paused(DateTimeOffset At) : TaskEvent(At);

    /// <summary>Every process runs again.</summary>
    public sealed record Resumed(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The OOM killer killed a process of the task.</summary>
    public sealed record OomKilled(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The init exited.</summary>
    public sealed record Exited(DateTimeOffset At, TaskExit Exit, int Pid) : TaskEvent(At);

    /// <summary>Intent: what is left of the task is about to be removed.</summary>
    public sealed record DeleteRequested(DateTimeOffset At) : TaskEvent(At);

    /// <summary>The task is gone; the container may have another.</summary>
    /// <param name="Exit">How its init exited; null in journals of the first format.</param>
    public sealed record Deleted(DateTimeOffset At, int Pid, TaskExit? Exit) : TaskEvent(At);
}
