using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// The directories above a container's own. Those that were made for it carry a mark, an extended attribute of the directory,
/// which
/// goes where it goes: whichever container is removed last removes them, also if another made them, and one that an administrator
/// made is left alone. kernfs keeps trusted.* for root, and user.* for others since Linux 5.7.
/// </summary>
internal static unsafe class CgroupParents
{
    private static readonly string[] Names = ["trusted.supervisor.made", "user.supervisor.made"];

    /// <summary>Marks one that has just been made. Where that is not possible it stays when it is empty.</summary>
    public static void Mark(string directory)
    {
        byte one = 1;
        foreach (var name in Names)
            fixed (byte* path = CString.Of(directory), key = CString.Of(name))
                if (Native.lsetxattr(path, key, &one, 1, 0) == 0) return;
    }

    /// <summary>Removes the marked ones above some directories that are gone, from below, as far as they are empty.</summary>
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
