using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Namespaces;

/// <summary>The namespaces that a process does not share with us. setns(2) into one's own fails for some kinds.</summary>
internal static class ProcessNamespaces
{
    private static readonly (string Name, CloneFlags Flag)[] Kinds =
    [
        ("user", CloneFlags.CLONE_NEWUSER), ("cgroup", CloneFlags.CLONE_NEWCGROUP), ("ipc", CloneFlags.CLONE_NEWIPC),
        ("uts", CloneFlags.CLONE_NEWUTS), ("net", CloneFlags.CLONE_NEWNET), ("pid", CloneFlags.CLONE_NEWPID),
        ("mnt", CloneFlags.CLONE_NEWNS), ("time", CloneFlags.CLONE_NEWTIME),
    ];

    /// <summary>Looks them up by pid: valid only while the caller knows that the pid is still the process's.</summary>
    /// <exception cref="InvalidOperationException">The process has exited.</exception>
    public static CloneFlags Differing(int pid)
    {
        var differing = CloneFlags.None;
        foreach (var (name, flag) in Kinds)
        {
            if (Link("self") is not { } ours) continue; // this kernel does not have this kind
            if (Link($"{pid}") is not { } theirs) throw InitExited();
            if (ours != theirs) differing |= flag;

            string? Link(string process) => new FileInfo($"/proc/{process}/ns/{name}").LinkTarget;
        }
        return differing;
    }

    /// <summary>The error for a container that has stopped.</summary>
    public static InvalidOperationException InitExited() =>
        new("the container's init has exited: no process can be started in it");
}
