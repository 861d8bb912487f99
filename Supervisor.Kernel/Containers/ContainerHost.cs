using System.Collections.Concurrent;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;

namespace Supervisor.Kernel.Containers;

/// <summary>What the containers of one process share: where cgroups are, who waits for exits, who relays streams.</summary>
public sealed class ContainerHost : IDisposable
{
    /// <param name="onError">Told of what broke on the reaper's or the relay's thread; must not throw.</param>
    public ContainerHost(Action<Exception> onError)
    {
        Hierarchies = CgroupHierarchies.Discover();
        Reaper = new Reaper(onError);
        Relay = new EventLoop("stdio", onError);
        ProcessHardening.Apply();
    }

    /// <summary>All on one thread: for a process that does nothing else.</summary>
    internal ContainerHost(EventLoop loop)
    {
        Hierarchies = CgroupHierarchies.Discover();
        Reaper = new Reaper(loop);
        Relay = loop;
        ProcessHardening.Apply();
    }

    /// <summary>Told of a child's end before it is collected, on the reaper's thread; null for nobody.</summary>
    internal Action<ProcessIdentity, ExitStatus, ProcessUsage>? BeforeReap { get; init; }

    /// <summary>The one that waits for exits.</summary>
    public Reaper Reaper { get; }

    /// <summary>Where this host's cgroups are.</summary>
    public CgroupHierarchies Hierarchies { get; }

    internal EventLoop Relay { get; }

    private readonly ConcurrentDictionary<string, bool> _cgroupParents = new(); // written once a namespace, not once a container

    /// <summary>Remembers the cgroups that were made above a container's own, to be removed with the host if they are empty then.</summary>
    internal void Note(IReadOnlyList<string> cgroupParents)
    {
        foreach (var parent in cgroupParents) _cgroupParents[parent] = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parent in _cgroupParents.Keys.OrderByDescending(p => p.Length))
            CgroupFile.TryRemoveDirectory(parent); // EBUSY, ENOTEMPTY: another daemon's containers are in there
        Reaper.Dispose();
        Relay.Dispose();
    }
}
