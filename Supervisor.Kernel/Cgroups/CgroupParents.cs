using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// The parents of containers' cgroups. Those that were created for a container carry a mark, an extended attribute of the
/// directory: the container that is removed last removes them, even if another created them, and a directory that an
/// administrator made is left alone. kernfs keeps trusted.* for root, and user.* for others since Linux 5.7.
/// </summary>
internal static unsafe class CgroupParents
{
    private static readonly string[] Names = ["trusted.supervisor.made", "user.supervisor.made"];

    /// <summary>Marks a directory that was just created. Without a mark it is not removed when it is empty.</summary>
    public static void Mark(Fd directory)
    {
        byte one = 1;
        using var held = new HeldHandle(directory);
        foreach (var name in Names)
            fixed (byte* key = CString.Of(name))
                if (Native.fsetxattr(held.Number, key, &one, 1, 0) == 0) return;
    }

    /// <summary>Removes the marked parents of removed directories, bottom up, as long as they are empty.</summary>
    public static void RemoveEmpty(IReadOnlyList<string> directories)
    {
        foreach (var directory in directories)
            for (var parent = Path.GetDirectoryName(directory); parent is not null && IsMarked(parent);
                parent = Path.GetDirectoryName(parent))
                if (CgroupFile.TryRemoveDirectory(parent) is not Errno.None) break; // EBUSY, ENOTEMPTY: others are in there
    }

    private static bool IsMarked(string directory)
    {
        foreach (var name in Names)
            fixed (byte* path = CString.Of(directory), key = CString.Of(name))
                if (Native.lgetxattr(path, key, null, 0) >= 0) return true;
        return false;
    }
}
