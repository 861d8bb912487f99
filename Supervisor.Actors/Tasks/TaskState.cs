using System.Collections.Immutable;
using Google.Protobuf;

namespace Supervisor.Actors.Tasks;

/// <summary>Names the init process across our restarts: a pid alone may have been given to another process since.</summary>
/// <param name="Pid">In the daemon's pid namespace.</param>
/// <param name="StartTime">Field 22 of /proc/PID/stat, in clock ticks since boot. proc(5).</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id of the boot in which it was started.</param>
public sealed record InitProcess(int Pid, ulong StartTime, string BootId)
{
    /// <summary>Of a task that ended before it had one: a checkpoint that was never restored.</summary>
    public static InitProcess None { get; } = new(0, 0, "");
}

/// <summary>How a process ended.</summary>
/// <param name="Status">0–255: the exit status, 128 + N for signal N, 255 when it is not known.</param>
/// <param name="At">When we learned of it.</param>
/// <param name="Reason">Empty, or why the status is not known.</param>
public sealed record TaskExit(int Status, DateTimeOffset At, string Reason = "");

/// <summary>What a task was made with: all that a restarted daemon needs to go on with it or to remove it.</summary>
/// <param name="Bundle">Absolute directory with config.json and rootfs.</param>
public sealed record TaskSetup(string Bundle, StdioPaths Stdio, ImmutableArray<RootfsMount> Rootfs);

/// <summary>
/// What a task is restored from, with the spec of its container as it was at the create: all that the start needs.
/// </summary>
/// <param name="Spec">The OCI spec's JSON.</param>
public sealed record TaskRestore(RestoreSource Source, ByteString Spec);

/// <summary>Where a task is in its life. Each state carries only what is true in it.</summary>
public abstract record TaskState
{
    /// <summary>There is no task.</summary>
    public sealed record Absent : TaskState;

    /// <summary>States that an effect in flight will end.</summary>
    public interface IPending;

    /// <summary>A task that exists.</summary>
    public abstract record Present(TaskSetup Setup) : TaskState;

    /// <summary>Its init process exists, or existed.</summary>
    public abstract record WithInit(TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : Present(Setup);

    /// <summary>The init is being made.</summary>
    public sealed record Creating(TaskSetup Setup) : Present(Setup), IPending;

    /// <summary>A checkpoint waits to be restored; there is no process yet.</summary>
    public sealed record Prepared(TaskSetup Setup, TaskRestore Restore) : Present(Setup);

    /// <summary>The processes of a checkpoint are being restored.</summary>
    public sealed record Restoring(TaskSetup Setup, TaskRestore Restore) : Present(Setup), IPending;

    /// <summary>The init waits for start.</summary>
    public sealed record Created(TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths)
        : WithInit(Setup, Init, CgroupPaths);

    /// <summary>The init was told to run its program.</summary>
    /// <param name="EarlyExit">Set when it ended before we knew whether the program was executed.</param>
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

    /// <summary>The init ended; its exit waits to be collected by a delete.</summary>
    public sealed record Stopped(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, TaskExit Exit,
            bool OomKilled = false)
        : WithInit(Setup, Init, CgroupPaths);

    /// <summary>What is left of the task is being removed.</summary>
    /// <param name="Exit">Null while a never started init is still being killed.</param>
    /// <param name="Failure">Why the start failed, when that is what ends the task.</param>
    public sealed record Deleting(
        TaskSetup Setup, InitProcess Init, ImmutableSortedDictionary<string, string> CgroupPaths, TaskExit? Exit,
        bool OomKilled = false,
        string? Failure = null)
        : WithInit(Setup, Init, CgroupPaths), IPending;
}
