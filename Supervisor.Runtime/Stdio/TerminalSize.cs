using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>A terminal's size in characters. ioctl_tty(2).</summary>
internal static unsafe class TerminalSize
{
    public static void Set(Fd terminal, ushort columns, ushort rows)
    {
        var size = new winsize { ws_row = rows, ws_col = columns };
        if (ioctl(terminal.Number, TIOCSWINSZ, &size) != 0) throw new SyscallException("ioctl(TIOCSWINSZ)", Errno.Last);
    }
}
