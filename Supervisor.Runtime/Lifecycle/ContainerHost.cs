using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>What the containers of one process share: where cgroups are, who waits for exits, who relays streams.</summary>
public sealed class ContainerHost : IDisposable
{
    /// <param name="onError">Told of what broke on the reaper's or the relay's thread; must not throw.</param>
    public ContainerHost(Action<Exception> onError)
    {
        OnError = onError;
        _reaper = new(() => new Reaper(onError));
        _relay = new(() => new EventLoop("stdio", onError));
        ProcessHardening.Apply();
    }

    /// <summary>All on one thread: for a process that does nothing else.</summary>
    internal ContainerHost(EventLoop loop, Action<Exception> onError)
    {
        OnError = onError;
        _reaper = new(() => new Reaper(loop));
        _relay = new(loop);
        ProcessHardening.Apply();
    }

    /// <summary>Told of a child's end before it is collected, on the reaper's thread; null for nobody.</summary>
    internal Action<ProcessIdentity, ExitStatus, ProcessUsage>? BeforeReap { get; init; }

    /// <summary>The one that waits for exits.</summary>
    public Reaper Reaper => _reaper.Value;

    /// <summary>Where this host's cgroups are.</summary>
    public CgroupHierarchies Hierarchies => _hierarchies.Value;

    /// <summary>Told of what broke where nobody waits for an answer: a poststop hook, a relay.</summary>
    internal Action<Exception> OnError { get; }

    internal EventLoop Relay => _relay.Value;

    private readonly Lazy<CgroupHierarchies> _hierarchies = new(CgroupHierarchies.Discover);
    private readonly Lazy<Reaper> _reaper; // each is a thread, which a short-lived command line does without
    private readonly Lazy<EventLoop> _relay;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_reaper.IsValueCreated) _reaper.Value.Dispose();
        if (_relay.IsValueCreated) _relay.Value.Dispose();
    }
}
