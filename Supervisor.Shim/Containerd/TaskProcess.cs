using Supervisor.Kernel.Files;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Stdio;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>The states of a process: containerd.v1.types.Status.</summary>
internal enum TaskStatus
{
    Created = 1, Running = 2, Stopped = 3, Paused = 4,
}

/// <summary>The exit of a process, as containerd gets it.</summary>
internal readonly record struct TaskExit(uint Status, DateTimeOffset At);

/// <summary>One process of a container: its init or an exec. All on the loop's thread.</summary>
/// <param name="execId">Empty for an init.</param>
internal sealed class TaskProcess(string containerId, string execId, string bundle, StdioTargets stdio)
{
    private Fd? _mounts;

    public string ContainerId => containerId;

    public string ExecId => execId;

    /// <summary>The exec's, or the container's for an init.</summary>
    public string Id => execId.Length > 0 ? execId : containerId;

    public string Bundle => bundle;

    /// <summary>As the client named the streams.</summary>
    public StdioTargets Stdio => stdio;

    /// <summary>Null before it is spawned: an exec is at its start.</summary>
    public ContainerProcess? Child { get; private set; }

    public Container? Container => Child as Container;

    /// <summary>0 before it is spawned.</summary>
    public int Pid { get; private set; }

    /// <summary>Spawns it at its start; null where it is spawned already.</summary>
    public Func<CancellationToken, ContainerProcess>? Spawn { get; set; }

    /// <summary>Whether it was started.</summary>
    public bool IsStarted { get; set; }

    /// <summary>Its start is in progress.</summary>
    public bool IsStarting { get; set; }

    /// <summary>Its creation or its deletion is in progress.</summary>
    public bool IsBusy { get; set; }

    /// <summary>Answers a start that failed, once the process has exited.</summary>
    public Action? FailedStart { get; set; }

    /// <summary>Null while it has not exited.</summary>
    public TaskExit? Exit { get; set; }

    /// <summary>An exit that came during the start: it is published after that.</summary>
    public ProcessExit? PendingExit { get; set; }

    /// <summary>Calls of Wait.</summary>
    public List<TtrpcCall> Waiting { get; } = [];

    /// <summary>The client closed its input before it was spawned.</summary>
    public bool InputClosed { get; set; }

    /// <summary>The size that was requested before it was spawned.</summary>
    public (ushort Columns, ushort Rows)? Size { get; set; }

    public TaskStatus Status =>
        Exit is not null ? TaskStatus.Stopped
        : !IsStarted ? TaskStatus.Created
        : Container is { Cgroup: { IsFrozen: true } } ? TaskStatus.Paused : TaskStatus.Running;

    public void SpawnedAs(ContainerProcess child)
    {
        (Child, Pid) = (child, child.Pid);
        _mounts = (child as Container)?.HoldMounts();
    }

    /// <summary>See <see cref="Container.HoldMounts"/>: closing the result may block for some milliseconds.</summary>
    public Fd? TakeMounts()
    {
        var mounts = _mounts;
        _mounts = null;
        return mounts;
    }
}
