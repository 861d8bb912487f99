using System.Diagnostics;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Cgroups;

/// <summary>Removes a cgroup's directories.</summary>
internal static class CgroupRemoval
{
    public static void Remove(Cgroup cgroup, TimeSpan timeout, CgroupParents parents)
    {
        var clock = Stopwatch.StartNew();
        foreach (var directory in cgroup.Directories)
        {
            // EBUSY while the kernel completes the last exit. On v1 no file reports when that is done: poll at growing intervals.
            for (var pause = 1; TryRemoveTree(directory) is not Errno.None and var errno; pause = Math.Min(pause * 2, 50))
            {
                if (errno is not (Errno.EBUSY or Errno.ENOTEMPTY)) throw new CgroupException(directory, null, errno, "rmdir");
                if (clock.Elapsed >= timeout)
                {
                    var members = CgroupMembers.Of([directory]);
                    throw new CgroupException(
                        directory, null, errno, members.IsEmpty
                        ? $"not removable after {timeout}, but empty" : $"has processes after {timeout}: {members}");
                }
                Thread.Sleep(pause);
            }
        }
        parents.RemoveOf(cgroup.Directories);
    }

    /// <returns><see cref="Errno.None"/> when nothing is left, or why the first one could not be removed.</returns>
    public static Errno TryRemoveTree(string directory)
    {
        var first = CgroupFile.TryRemoveDirectory(directory);
        if (first is not (Errno.EBUSY or Errno.ENOTEMPTY)) return first;
        var tree = CgroupMembers.Tree(directory); // a cgroup with cgroups in it answers EBUSY too
        for (var i = tree.Count - 1; i >= 0; i--)
            if (CgroupFile.TryRemoveDirectory(tree[i]) is not Errno.None and var errno) return errno;
        return Errno.None;
    }
}
