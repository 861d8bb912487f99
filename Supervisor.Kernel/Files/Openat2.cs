using Supervisor.Kernel.Abi;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>Opens an untrusted path within the limits of <c>resolve</c>. openat2(2), Linux 5.6.</summary>
internal static unsafe class Openat2
{
    /// <param name="resolve">RESOLVE_NO_MAGICLINKS is added.</param>
    /// <returns>Null for a path that does not exist (ENOENT, ENOTDIR).</returns>
    /// <exception cref="SyscallException">Any other errno.</exception>
    public static Fd? TryOpen(Fd directory, string path, OpenFlags flags, ResolveFlags resolve, uint mode = 0) =>
        TryOpen(directory, CString.Of(path), flags, resolve, mode);

    /// <param name="path">NUL-terminated.</param>
    /// <inheritdoc cref="TryOpen(Fd, string, OpenFlags, ResolveFlags, uint)"/>
    public static Fd? TryOpen(Fd directory, byte[] path, OpenFlags flags, ResolveFlags resolve, uint mode = 0)
    {
        var how = new open_how
        {
            flags = (ulong)(flags | OpenFlags.O_CLOEXEC).ToKernel(), mode = mode,
            resolve = (ulong)(resolve | ResolveFlags.RESOLVE_NO_MAGICLINKS),
        };
        fixed (byte* text = path)
        {
            var fd = openat2(directory.Number, text, &how, sizeof(open_how));
            if (fd >= 0) return new Fd(fd);
        }
        return Errno.Last is Errno.ENOENT or Errno.ENOTDIR
            ? null : throw new SyscallException("openat2", Errno.Last, System.Text.Encoding.UTF8.GetString(path).TrimEnd('\0'));
    }
}
