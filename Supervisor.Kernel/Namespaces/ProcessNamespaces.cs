using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Namespaces;

/// <summary>Which namespaces a process does not share with us. Entering one's own is refused for some kinds. setns(2).</summary>
internal static class ProcessNamespaces
{
    private static readonly (string Name, CloneFlags Flag)[] Kinds =
    [
        ("user", CloneFlags.CLONE_NEWUSER), ("cgroup", CloneFlags.CLONE_NEWCGROUP), ("ipc", CloneFlags.CLONE_NEWIPC),
        ("uts", CloneFlags.CLONE_NEWUTS), ("net", CloneFlags.CLONE_NEWNET), ("pid", CloneFlags.CLONE_NEWPID),
        ("mnt", CloneFlags.CLONE_NEWNS), ("time", CloneFlags.CLONE_NEWTIME),
    ];

    /// <summary>Looked at by pid, so it counts only while the caller knows that the pid is the process's.</summary>
    /// <exception cref="InvalidOperationException">The process has ended.</exception>
    public static CloneFlags Differing(int pid)
    {
        var differing = CloneFlags.None;
        foreach (var (name, flag) in Kinds)
        {
            if (Link("self") is not { } ours) continue; // this kernel has no such kind
            if (Link($"{pid}") is not { } theirs) throw Ended();
            if (ours != theirs) differing |= flag;

            string? Link(string process) => new FileInfo($"/proc/{process}/ns/{name}").LinkTarget;
        }
        return differing;
    }

    /// <summary>For a process of a container that is gone.</summary>
    public static InvalidOperationException Ended() => new("the container's init has ended: nothing can run in there any more");
}
