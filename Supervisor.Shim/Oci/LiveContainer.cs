using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Programs;

namespace Supervisor.Shim.Oci;

/// <summary>A container's stored state with its current state from the kernel.</summary>
internal sealed class LiveContainer : IDisposable
{
    private readonly ContainerHost _host = new(e => Log.Warning(e.Message));
    private readonly string _directory;

    private LiveContainer(ContainerState state, string directory)
    {
        (State, _directory) = (state, directory);
        if (state.Pid == 0) return;
        var container = Container.TryAdopt(
            _host, null, new ProcessIdentity(state.Pid, state.StartTime, state.BootId), state.CgroupPaths);
        if (container is { HasExited: true }) // dead, and not reaped by its parent yet
        {
            container.Dispose();
            container = null;
        }
        Container = container;
    }

    public ContainerState State { get; }

    /// <summary>Null when its init has exited.</summary>
    public Container? Container { get; }

    /// <summary>One of the specification's states, or <c>paused</c>.</summary>
    public string Status =>
        Container is null ? "stopped"
        : Container.Cgroup.IsFrozen ? "paused"
        : StartSocket.IsHeld(_directory) ? "created" : "running";

    /// <summary>The pid to show: 0 when it is stopped.</summary>
    public int Pid => Container?.Pid ?? 0;

    public Cgroup Cgroup => Cgroup.Open(State.CgroupPaths);

    /// <exception cref="OciException">There is none.</exception>
    public static LiveContainer Open(StateStore store, string id) => new(store.Load(id), store.DirectoryOf(id));

    /// <returns>Null when there is none.</returns>
    public static LiveContainer? TryOpen(StateStore store, string id) =>
        store.TryLoad(id) is { } state ? new(state, store.DirectoryOf(id)) : null;

    /// <exception cref="OciException">Its init has exited.</exception>
    public Container Running() => Container ?? throw new OciException("container not running");

    public void Dispose()
    {
        Container?.Dispose();
        _host.Dispose();
    }
}
