using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Stdio;

/// <summary>A terminal's size in characters. ioctl_tty(2).</summary>
internal static unsafe partial class TerminalSize
{
    private const nuint TIOCSWINSZ = 0x5414;

    public static void Set(Fd terminal, ushort columns, ushort rows)
    {
        var size = stackalloc ushort[4] { rows, columns, 0, 0 };
        if (ioctl(terminal.Number, TIOCSWINSZ, size) != 0) throw new SyscallException("ioctl(TIOCSWINSZ)", Errno.Last);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, ushort* size);
}
