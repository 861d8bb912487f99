using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// Creates containers and is the parent of their processes: this process itself (<see cref="EmbeddedRuntime"/>), or a
/// shim that outlives it (<c>ShimRuntime</c>). Every call may block.
/// </summary>
public interface IContainerRuntime : IDisposable
{
    /// <summary>Makes bundle, cgroup, streams and init, which then waits for its start.</summary>
    /// <param name="key">Identifies the container in this runtime, also after a restart.</param>
    /// <inheritdoc cref="Container.Create"/>
    IContainer Create(string key, ContainerRequest request, CancellationToken deadline);

    /// <summary>As <see cref="Create"/>, but with the processes of a checkpoint, which run when this returns.</summary>
    /// <inheritdoc cref="Container.Restore"/>
    IContainer Restore(string key, ContainerRequest request, CheckpointOptions options, CancellationToken deadline);

    /// <summary>Adopts a container of an earlier daemon, alive or with an exit that is not collected yet.</summary>
    /// <returns>Null when it is gone and its exit is unknown.</returns>
    IContainer? TryAdopt(
        string key, string bundle, ProcessIdentity init, IReadOnlyDictionary<string, string> cgroupPaths,
        CancellationToken deadline);

    /// <summary>As <see cref="TryAdopt"/>, for an exec.</summary>
    IContainerProcess? TryAdoptExec(string key, ProcessIdentity process, CancellationToken deadline);

    /// <summary>Kills and removes a container that the caller does not hold; it may be half-created or gone already.</summary>
    /// <inheritdoc cref="Container.TearDown"/>
    void TearDown(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout);

    /// <summary>The keys of all processes of this runtime, with or without a holder.</summary>
    IReadOnlyCollection<string> Keys(CancellationToken deadline);

    /// <summary>The containers of this runtime that have not exited, with or without a holder.</summary>
    IReadOnlyCollection<FoundContainer> Found(CancellationToken deadline);

    /// <summary>Kills the exec of this key, which the caller does not hold, if there is one.</summary>
    void EndExec(string key, TimeSpan timeout);
}

/// <summary>A container as its runtime knows it: enough to adopt it without a record of it.</summary>
/// <param name="IsHeld">Its init waits before its program.</param>
public sealed record FoundContainer(
    string Key, ProcessIdentity Init, string Bundle, IReadOnlyDictionary<string, string> CgroupPaths, bool Terminal, bool IsHeld);

/// <summary>Identifies a process across our restarts: a pid alone may have been reused.</summary>
/// <param name="StartTime">Field 22 of /proc/PID/stat, in clock ticks since boot. proc(5).</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id.</param>
public readonly record struct ProcessIdentity(int Pid, ulong StartTime, string BootId)
{
    /// <returns>Null when the process is gone, or its pid is another process now.</returns>
    internal Pidfd? TryOpen()
    {
        if (BootId != ProcStat.BootId || Pidfd.TryOpen(Pid) is not { } pidfd) return null;
        // Open the pidfd before reading the start time: both then name the same process.
        if (ProcStat.TryStartTime(Pid) == StartTime) return pidfd;
        pidfd.Dispose();
        return null;
    }
}

/// <summary>The exit of a process.</summary>
/// <param name="Status">Null where it cannot be known.</param>
/// <param name="At">When it was noticed.</param>
public readonly record struct ProcessExit(ExitStatus? Status, DateTimeOffset At);

/// <summary>A process of a container. One caller at a time, except for <see cref="Signal"/>.</summary>
/// <remarks>Disposing it releases our handles, and leaves the process running.</remarks>
public interface IContainerProcess : IDisposable
{
    /// <summary>In our namespace, for printing.</summary>
    int Pid { get; }

    /// <summary>In clock ticks since boot.</summary>
    ulong StartTime { get; }

    /// <summary>Whether it waits before its program.</summary>
    bool IsHeld { get; }

    /// <summary>Reports its exit, once; immediately if it has exited already.</summary>
    /// <param name="onOom">The OOM killer killed a process of the container; never called after the exit.</param>
    void Watch(Action<ProcessExit> onExit, Action onOom);

    /// <summary>Its exit is journalled: the runtime may forget it. Does not block.</summary>
    void Collected();

    /// <summary>Lets it run its program; does nothing if it runs already.</summary>
    void Start(CancellationToken deadline);

    /// <returns>False when it has exited.</returns>
    bool Signal(int signal);

    /// <summary>Closes its input once what is in its FIFO has been read.</summary>
    void CloseInput();

    /// <summary>Sets its terminal's size in characters.</summary>
    void Resize(ushort columns, ushort rows);

    /// <summary>Kills and reaps it, and removes its resources.</summary>
    /// <exception cref="TimeoutException">Something does not die or cannot be removed; calling it again is harmless.</exception>
    void End(TimeSpan timeout);
}

/// <summary>A container and its init.</summary>
public interface IContainer : IContainerProcess
{
    /// <summary>The container's cgroup.</summary>
    Cgroup Cgroup { get; }

    /// <summary>Whether a client of its Shim service started it.</summary>
    bool IsStartedByService { get; }

    /// <summary>Reports what clients of its Shim service do and, first, what they did before. To be called once.</summary>
    void WatchService(Action<ServiceReport> onReport);

    /// <summary>Notifies clients of its Shim service that it was frozen, or thawed. Does not block.</summary>
    void ReportFrozen(bool isFrozen)
    {
        // Without a shim there is no such service.
    }

    /// <summary>Sends a signal to every process.</summary>
    /// <returns>False when there was none.</returns>
    bool SignalAll(int signal);

    /// <summary>Writes its processes to images. If it is not left running, it has exited with 137 when this returns.</summary>
    /// <inheritdoc cref="Container.Checkpoint"/>
    void Checkpoint(CheckpointOptions options, CancellationToken deadline);

    /// <summary>Spawns another process, which then waits for its start.</summary>
    /// <param name="key">Identifies it in this runtime.</param>
    IContainerProcess Exec(string key, ExecRequest request, CancellationToken deadline);
}
