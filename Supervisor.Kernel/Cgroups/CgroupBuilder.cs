using System.Diagnostics;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Cgroups;

/// <summary>Creates the directories of one cgroup and records them, so that a failure can undo them.</summary>
internal sealed class CgroupBuilder(CgroupParents parents)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly List<string> _made = [];

    /// <summary>Whether a v1 freezer stops what is in the parent.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>Creates the directory in one hierarchy, and its missing parents.</summary>
    public void Make(CgroupHierarchy hierarchy, string cgroupsPath)
    {
        // Another container's delete may remove an empty parent at any point of this: then start over.
        var clock = Stopwatch.StartNew();
        for (var attempt = 1; ; attempt++)
        {
            var (directory, errno) = MakeOnce(hierarchy, cgroupsPath);
            if (errno is Errno.None) return;
            if (errno is not (Errno.ENOENT or Errno.ENODEV) || clock.Elapsed > Patience)
                throw new CgroupException(directory, null, errno, "create the cgroup");
            if (attempt % 10 == 0) Thread.Sleep(1);
        }
    }

    /// <summary>
    /// Enables v2 controllers for the new cgroup: each parent must delegate them. cgroups(7), cgroup.subtree_control.
    /// </summary>
    /// <param name="hierarchy">The v2 hierarchy.</param>
    /// <param name="cgroupsPath">The new cgroup.</param>
    /// <param name="needed">Those without which a limit cannot be set.</param>
    /// <param name="all">Whether to enable the others too, for statistics: where v1 does not have them.</param>
    public void EnableControllers(CgroupHierarchy hierarchy, string cgroupsPath, IReadOnlySet<string> needed, bool all)
    {
        string[] useful = ["cpu", "cpuset", "io", "memory", "pids", "hugetlb"];
        var wanted = all ? needed.Union(useful) : needed;
        if (!wanted.Any()) return;
        foreach (var parent in ParentsFromMount(hierarchy, cgroupsPath))
        {
            var available = Words(parent + "/cgroup.controllers");
            var enabled = Words(parent + "/cgroup.subtree_control");
            foreach (var controller in wanted.Where(c => !enabled.Contains(c)))
            {
                if (available.Contains(controller)
                    && CgroupFile.TryWrite(parent, "cgroup.subtree_control", "+" + controller) is Errno.None) continue;
                if (!needed.Contains(controller)) continue;
                if (!available.Contains(controller))
                    throw new CgroupException(
                        parent + "/cgroup.controllers", null, Errno.ENOENT, $"a limit needs the {controller} controller");
                CgroupFile.Write(parent, "cgroup.subtree_control", "+" + controller); // again, for the error
            }
        }
    }

    /// <summary>Removes what was created. Never throws: it runs while another exception propagates.</summary>
    public void Undo()
    {
        foreach (var directory in _made) CgroupFile.TryRemoveDirectory(directory);
        parents.RemoveOf(_made);
    }

    private (string Directory, Errno Errno) MakeOnce(CgroupHierarchy hierarchy, string cgroupsPath)
    {
        var directory = hierarchy.BaseOf(cgroupsPath) + "/" + cgroupsPath.TrimStart('/');
        var (opened, failure) = parents.TryOpen(hierarchy, cgroupsPath);
        using var parent = opened;
        if (parent is null) return (directory, failure);
        var name = Path.GetFileName(directory);
        var errno = parent.TryMake(name);
        if (errno is Errno.EEXIST)
        {
            RemoveLeftover(directory);
            errno = parent.TryMake(name);
        }
        if (errno is Errno.None) _made.Add(directory);
        else parents.Forget(parent);
        IsFrozen |= errno is Errno.None && parent.IsFrozen;
        return (directory, errno);
    }

    // An empty cgroup of that name is left over from a crash: its limits and counters must not become this container's.
    private static void RemoveLeftover(string directory)
    {
        var members = CgroupMembers.Of([directory]);
        if (!members.IsEmpty)
            throw new CgroupException(directory, null, Errno.EEXIST,
                $"it has processes ({members}) of another container of this name, perhaps of another daemon; remove "
                    + "that container, or choose another name or linux.cgroupsPath");
        // A process froze it and relies on that: processes in a new cgroup of that name would run.
        if (Freezer.IsFrozenDirectory(directory))
            throw new CgroupException(directory, null, Errno.EEXIST, "the cgroup is frozen: thaw or remove it, or use another");
        if (CgroupRemoval.TryRemoveTree(directory) is not Errno.None and var errno)
            throw new CgroupException(directory, null, errno, "the cgroup exists, has no processes, and cannot be removed");
    }

    private static IEnumerable<string> ParentsFromMount(CgroupHierarchy hierarchy, string cgroupsPath)
    {
        var below = (hierarchy.BaseOf(cgroupsPath) + "/" + cgroupsPath.TrimStart('/'))[hierarchy.MountPoint.Length..]
            .Split('/', StringSplitOptions.RemoveEmptyEntries);
        var directory = hierarchy.MountPoint;
        foreach (var part in below)
        {
            yield return directory;
            directory += "/" + part;
        }
    }

    private static string[] Words(string path) =>
        CgroupFile.TryRead(path)?.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries) ?? [];
}
