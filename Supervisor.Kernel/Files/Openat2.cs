using System.Runtime.InteropServices;
using System.Text;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>Opens by a path of somebody else's, which may lead no further than it is told to. openat2(2), Linux 5.6.</summary>
internal static unsafe partial class Openat2
{
    private const nint Number = 437; // asm-generic/unistd.h

    /// <param name="resolve">RESOLVE_NO_MAGICLINKS is added.</param>
    /// <returns>Null for a path that does not exist (ENOENT, ENOTDIR).</returns>
    /// <exception cref="SyscallException">Any other errno.</exception>
    public static Fd? TryOpen(Fd directory, string path, OpenFlags flags, ResolveFlags resolve, uint mode = 0)
    {
        var how = new OpenHow { flags = (ulong)(flags | OpenFlags.O_CLOEXEC).ToKernel(), mode = mode, resolve = resolve | ResolveFlags.RESOLVE_NO_MAGICLINKS };
        fixed (byte* text = Encoding.UTF8.GetBytes(path + '\0'))
        {
            var fd = (int)openat2(Number, directory.Number, text, &how, sizeof(OpenHow));
            if (fd >= 0) return new Fd(fd);
        }
        return Errno.Last is Errno.ENOENT or Errno.ENOTDIR ? null : throw new SyscallException("openat2", Errno.Last, path);
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint openat2(nint number, nint directory, byte* path, OpenHow* how, nint size);
}
