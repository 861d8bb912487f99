using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>What the containers of one process share: cgroup hierarchies, the reaper, and the relay of streams.</summary>
public sealed class ContainerHost : IDisposable
{
    /// <param name="onError">Receives failures on the reaper's or the relay's thread; must not throw.</param>
    public ContainerHost(Action<Exception> onError)
    {
        OnError = onError;
        _reaper = new(() => new Reaper(onError));
        _relay = new(() => new EventLoop("stdio", onError));
        ProcessHardening.Apply();
    }

    /// <summary>Runs all on one thread: for a process that does nothing else.</summary>
    internal ContainerHost(EventLoop loop, Action<Exception> onError)
    {
        OnError = onError;
        _reaper = new(() => new Reaper(loop));
        _relay = new(loop);
        ProcessHardening.Apply();
    }

    /// <summary>Called with a child's exit before it is reaped, on the reaper's thread; null for none.</summary>
    internal Action<ProcessIdentity, ExitStatus, ProcessUsage>? BeforeReap { get; init; }

    /// <summary>Waits for exits.</summary>
    public Reaper Reaper => _reaper.Value;

    /// <summary>This host's cgroup hierarchies.</summary>
    public CgroupHierarchies Hierarchies => _hierarchies.Value;

    /// <summary>The parents of containers' cgroups; null where they are not kept. The creator disposes of it.</summary>
    internal CgroupParents? Parents { get; init; }

    /// <summary>Receives failures that no caller waits for: of a poststop hook, of a relay.</summary>
    internal Action<Exception> OnError { get; }

    /// <summary>Its thread is started when there is something to relay.</summary>
    internal Lazy<EventLoop> Relay => _relay;

    private readonly Lazy<CgroupHierarchies> _hierarchies = new(CgroupHierarchies.Discover);
    private readonly Lazy<Reaper> _reaper; // each is a thread, and a short-lived command needs none
    private readonly Lazy<EventLoop> _relay;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_reaper.IsValueCreated) _reaper.Value.Dispose();
        if (_relay.IsValueCreated) _relay.Value.Dispose();
    }
}
