using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// The parent of containers' cgroups in one hierarchy, open. It is removed with its last container at any time, and others create
/// it again: through the descriptor, a cgroup is created in the directory that was prepared for it, or not at all.
/// </summary>
internal sealed class CgroupParent : IDisposable
{
    private const OpenFlags Flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY;
    private readonly bool _isCpuset;
    private readonly Fd _directory;
    private readonly Freezing? _freezing;
    private int _users = 1;

    private CgroupParent(string path, bool isCpuset, Fd directory, Freezing? freezing = null) =>
        (Path, _isCpuset, _directory, _freezing) = (path, isCpuset, directory, freezing);

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>Whether v1's freezer, of it or of one above, stops what is in it: a new cgroup would be frozen as well.</summary>
    public bool IsFrozen => _freezing?.IsOrdered(Path) ?? false;

    /// <summary>The path of the parent of <paramref name="cgroupsPath"/>.</summary>
    public static string PathOf(CgroupHierarchy hierarchy, string cgroupsPath) =>
        hierarchy.BaseOf(cgroupsPath) is var start && cgroupsPath.LastIndexOf('/') is > 0 and var end
            ? start + "/" + cgroupsPath[..end].TrimStart('/') : start;

    /// <summary>Opens the parent of <paramref name="cgroupsPath"/>; creates and marks what is missing of it.</summary>
    /// <returns>Null and the errno: ENOENT or ENODEV where a part of it was removed meanwhile.</returns>
    public static (CgroupParent? Parent, Errno Errno) TryOpen(CgroupHierarchy hierarchy, string cgroupsPath)
    {
        var path = hierarchy.BaseOf(cgroupsPath);
        var isCpuset = hierarchy.Controllers.Contains("cpuset");
        if (CgroupFile.TryOpen(path, Flags, out var directory) is not Errno.None and var missing) return (null, missing);
        foreach (var part in cgroupsPath.TrimStart('/').Split('/')[..^1])
        {
            var above = new CgroupParent(path, isCpuset, directory!);
            Fd? below = null;
            var made = CgroupFile.TryMakeDirectory(directory!, part);
            var errno = made is Errno.EEXIST ? Errno.None : made;
            if (errno is Errno.None) errno = CgroupFile.TryOpen(directory!, part, Flags, out below);
            if (below is not null && made is Errno.None) CgroupParents.Mark(below);
            if (errno is Errno.None) errno = above.TryInherit(part);
            // What is made in it from now on has its CPUs from the start, without two files to write: cpuset(7).
            if (isCpuset && errno is Errno.None && made is Errno.None)
                CgroupFile.TryWrite(below!, "cgroup.clone_children", "1");
            above.Dispose();
            path += "/" + part;
            if (errno is not Errno.None)
            {
                below?.Dispose();
                return (null, errno);
            }
            directory = below;
        }
        var freezing = hierarchy.Controllers.Contains("freezer") ? Freezing.TryOpen(directory!) : null;
        return (new CgroupParent(path, isCpuset, directory!, freezing), Errno.None);
    }

    /// <summary>Creates a cgroup in it. Leaves nothing behind when it fails.</summary>
    /// <returns><see cref="Errno.None"/>, or why not: ENOENT or ENODEV where the parent has been removed.</returns>
    public Errno TryMake(string name)
    {
        if (CgroupFile.TryMakeDirectory(_directory, name) is not Errno.None and var refused) return refused;
        var errno = TryInherit(name);
        if (errno is not Errno.None) CgroupFile.TryRemoveDirectory(_directory, name);
        return errno;
    }

    /// <summary>One more user, who disposes of it too.</summary>
    public CgroupParent Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        _directory.Dispose();
        _freezing?.Dispose();
    }

    // A new v1 cpuset is empty, and no process can join an empty one. cpuset(7). One that another process has created may not
    // have been filled yet, and one below it would inherit nothing.
    private Errno TryInherit(string name)
    {
        if (!_isCpuset) return Errno.None;
        foreach (var file in (string[])["cpuset.cpus", "cpuset.mems"])
        {
            if (TryRead(name + "/" + file) is not { } current)
            {
                if (TryRead(name + "/tasks") is null) return Errno.ENODEV; // the cgroup is gone, not only the file
                continue;
            }
            if (current.Length > 0) continue;
            if (TryRead(file) is not { Length: > 0 } value) return Errno.ENODEV;
            if (CgroupFile.TryWrite(_directory, name + "/" + file, value) is not Errno.None and var errno) return errno;
        }
        return Errno.None;
    }

    private string? TryRead(string file) => CgroupFile.TryReadValue(_directory, file);
}
