using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// Who makes containers and is the parent of their processes: this process itself (<see cref="EmbeddedRuntime"/>), or a
/// shim that outlives it (<c>ShimRuntime</c>). Everything may block; it is for threads that may.
/// </summary>
public interface IContainerRuntime : IDisposable
{
    /// <summary>Makes bundle, cgroup, streams and init, which then waits for its start.</summary>
    /// <param name="key">Names the container among those of this runtime, also to our next life.</param>
    /// <inheritdoc cref="Container.Create"/>
    IContainer Create(string key, ContainerRequest request, CancellationToken deadline);

    /// <summary>As <see cref="Create"/>, but with the processes of a checkpoint, which run when this returns.</summary>
    /// <inheritdoc cref="Container.Restore"/>
    IContainer Restore(string key, ContainerRequest request, CheckpointOptions options, CancellationToken deadline);

    /// <summary>Takes back a container that a former daemon made, alive or with an exit that nobody collected yet.</summary>
    /// <returns>Null when nothing is known of it but that it is gone.</returns>
    IContainer? TryAdopt(
        string key, string bundle, ProcessIdentity init, IReadOnlyDictionary<string, string> cgroupPaths,
        CancellationToken deadline);

    /// <summary>As <see cref="TryAdopt"/>, for another process of a container.</summary>
    IContainerProcess? TryAdoptExec(string key, ProcessIdentity process, CancellationToken deadline);

    /// <summary>Kills and removes a container that the caller does not hold, half-made or gone already.</summary>
    /// <inheritdoc cref="Container.TearDown"/>
    void TearDown(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout);

    /// <summary>The keys of all processes that are in this runtime's care, whoever holds them.</summary>
    IReadOnlyCollection<string> Keys(CancellationToken deadline);

    /// <summary>The containers that are in this runtime's care and have not ended, also if nothing holds them.</summary>
    IReadOnlyCollection<FoundContainer> Found(CancellationToken deadline);

    /// <summary>Kills a process of a container that the caller does not hold, if there is one of this key.</summary>
    void EndExec(string key, TimeSpan timeout);
}

/// <summary>A container as its runtime knows it: enough to take it over without a record of it.</summary>
/// <param name="IsHeld">Its init waits before its program.</param>
public sealed record FoundContainer(
    string Key, ProcessIdentity Init, string Bundle, IReadOnlyDictionary<string, string> CgroupPaths, bool Terminal, bool IsHeld);

/// <summary>Names a process across our restarts: a pid alone may have been given to another process since.</summary>
/// <param name="StartTime">Field 22 of /proc/PID/stat, in clock ticks since boot. proc(5).</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id.</param>
public readonly record struct ProcessIdentity(int Pid, ulong StartTime, string BootId);

/// <summary>A process that ended.</summary>
/// <param name="Status">Null where it cannot be known.</param>
/// <param name="At">When it was noticed.</param>
public readonly record struct ProcessEnd(ExitStatus? Status, DateTimeOffset At);

/// <summary>
/// A process of a container, in the hands of whoever holds this. Each call is for one caller at a time, but <see cref="Signal"/>.
/// </summary>
/// <remarks>Disposing it lets go of what we hold, and leaves the process as it is.</remarks>
public interface IContainerProcess : IDisposable
{
    /// <summary>In our namespace, for printing.</summary>
    int Pid { get; }

    /// <summary>In clock ticks since boot.</summary>
    ulong StartTime { get; }

    /// <summary>It waits before its program.</summary>
    bool IsHeld { get; }

    /// <summary>Tells of its end, once; at once if it has ended already.</summary>
    /// <param name="onOom">The kernel killed a process of the container for want of memory; never told after the end.</param>
    void Watch(Action<ProcessEnd> onExit, Action onOom);

    /// <summary>Its exit is recorded for good: nobody needs to keep it any longer. Does not block.</summary>
    void Collected();

    /// <summary>Lets it run its program; nothing happens if it does.</summary>
    void Start(CancellationToken deadline);

    /// <returns>False when it has ended.</returns>
    bool Signal(int signal);

    /// <summary>Its input ends once what is in its FIFO has been read.</summary>
    void CloseInput();

    /// <summary>Sets its terminal's size in characters.</summary>
    void Resize(ushort columns, ushort rows);

    /// <summary>Kills and collects it, and removes what was made for it.</summary>
    /// <exception cref="TimeoutException">Something does not die or cannot be removed; calling it again is harmless.</exception>
    void End(TimeSpan timeout);
}

/// <summary>A container and its init.</summary>
public interface IContainer : IContainerProcess
{
    /// <summary>Its cgroup.</summary>
    Cgroup Cgroup { get; }

    /// <summary>Sends a signal to every process.</summary>
    /// <returns>False when there was none.</returns>
    bool SignalAll(int signal);

    /// <summary>Writes its processes into files. One that is not left running has ended, with 137, when this returns.</summary>
    /// <inheritdoc cref="Container.Checkpoint"/>
    void Checkpoint(CheckpointOptions options, CancellationToken deadline);

    /// <summary>Makes another process, which then waits for its start.</summary>
    /// <param name="key">Names it among those of this runtime.</param>
    IContainerProcess Exec(string key, ExecRequest request, CancellationToken deadline);
}
