using System.Collections.Immutable;
using Google.Protobuf;

namespace Supervisor.Actors.Tasks;

/// <summary>Names the init process across our restarts: a pid alone may have been reused.</summary>
/// <param name="Pid">In the daemon's pid namespace.</param>
/// <param name="StartTime">Field 22 of /proc/PID/stat, in clock ticks since boot. proc(5).</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id of the boot in which it was started.</param>
public sealed record InitProcess(int Pid, ulong StartTime, string BootId)
{
    /// <summary>Of a task without one: a checkpoint that was never restored.</summary>
    public static InitProcess None { get; } = new(0, 0, "");
}

/// <summary>How a process exited.</summary>
/// <param name="Status">0–255: the exit status, 128 + N for signal N, 255 if unknown.</param>
/// <param name="At">When the daemon saw it.</param>
/// <param name="Reason">Empty, or why the status is unknown.</param>
public sealed record TaskExit(int Status, DateTimeOffset At, string Reason = "");

/// <summary>What a task was created with: all that a restarted daemon needs to adopt or remove it.</summary>
/// <param name="Bundle">Absolute directory with config.json and rootfs.</param>
public sealed record TaskSetup(string Bundle, StdioPaths Stdio, ImmutableArray<RootfsMount> Rootfs)
{
    /// <summary>A client's file that receives the system calls of the launch; null for none. Not journalled.</summary>
    public string? Trace { get; init; }
}

/// <summary>What a task is restored from, with its container's spec at the create: all that the start needs.</summary>
/// <param name="Spec">The OCI spec's JSON.</param>
public sealed record TaskRestore(RestoreSource Source, ByteString Spec);

/// <summary>The state of a task. Each state carries only what is valid in it.</summary>
public abstract record TaskState
{
    /// <summary>There is no task.</summary>
    public sealed record Absent : TaskState, IAbsent;

    /// <summary>A task that exists.</summary>
    public abstract record Present(TaskSetup Setup) : TaskState;

    /// <summary>Its init process exists, or existed.</summary>
    public abstract record WithInit(TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : Present(Setup);

    /// <summary>The init is being spawned.</summary>
    public sealed record Creating(TaskSetup Setup) : Present(Setup), IPending;

    /// <summary>A checkpoint waits to be restored; there is no process yet.</summary>
    public sealed record Prepared(TaskSetup Setup, TaskRestore Restore) : Present(Setup);

    /// <summary>The processes of a checkpoint are being restored.</summary>
    public sealed record Restoring(TaskSetup Setup, TaskRestore Restore) : Present(Setup), IPending;

    /// <summary>The init waits for start.</summary>
    public sealed record Created(TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : WithInit(Setup, Init, CgroupPaths);

    /// <summary>The init was released to run its program.</summary>
    /// <param name="EarlyExit">Set when it exited before the daemon knew whether the program was executed.</param>
    public sealed record Starting(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, TaskExit? EarlyExit = null)
        : WithInit(Setup, Init, CgroupPaths), IPending;

    /// <summary>The program runs.</summary>
    public sealed record Running(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, bool OomKilled = false)
        : WithInit(Setup, Init, CgroupPaths);

    /// <summary>Every process is frozen.</summary>
    public sealed record Paused(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, bool OomKilled = false)
        : WithInit(Setup, Init, CgroupPaths);

    /// <summary>The init exited; a delete collects its exit.</summary>
    public sealed record Stopped(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, TaskExit Exit,
            bool OomKilled = false)
        : WithInit(Setup, Init, CgroupPaths);

    /// <summary>The remains of the task are being removed.</summary>
    /// <param name="Exit">Null while an init that was never started is being killed.</param>
    /// <param name="Failure">Why the start failed, when that is what ends the task.</param>
    public sealed record Deleting(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, TaskExit? Exit,
        bool OomKilled = false,
        string? Failure = null)
        : WithInit(Setup, Init, CgroupPaths), IPending;
}
