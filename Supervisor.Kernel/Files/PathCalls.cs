using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>One system call each, where the library's classes look first, lock and look again.</summary>
internal static unsafe class PathCalls
{
    /// <returns><see cref="Errno.None"/>, or why not: EEXIST, ENOENT…</returns>
    public static Errno TryMakeDirectory(string path, UnixFileMode mode)
    {
        fixed (byte* text = CString.Of(path)) return mkdir(text, (ushort)mode) == 0 ? Errno.None : Errno.Last;
    }

    /// <returns><see cref="Errno.None"/>, or why not. An empty directory at <paramref name="to"/> is replaced.</returns>
    public static Errno TryRename(string from, string to)
    {
        fixed (byte* old = CString.Of(from), next = CString.Of(to))
            return Native.renameat(AT_FDCWD, old, AT_FDCWD, next) == 0 ? Errno.None : Errno.Last;
    }

    /// <returns><see cref="Errno.None"/>, or why not.</returns>
    public static Errno TryUnlink(string path)
    {
        fixed (byte* text = CString.Of(path)) return unlink(text) == 0 ? Errno.None : Errno.Last;
    }

    /// <returns><see cref="Errno.None"/>, or why not: ENOTEMPTY…</returns>
    public static Errno TryRemoveDirectory(string path)
    {
        fixed (byte* text = CString.Of(path)) return rmdir(text) == 0 ? Errno.None : Errno.Last;
    }
}
