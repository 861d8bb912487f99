using System.Runtime.InteropServices;

namespace Supervisor.Host.Cli.Stdio;

/// <summary>
/// Our terminal while a container's terminal is behind it: every key goes through, Ctrl-C too. What it was is put back
/// however we end, SIGKILL excepted.
/// </summary>
internal sealed unsafe partial class RawTerminal : IDisposable
{
    private const int Input = 0, TCSANOW = 0, TCSADRAIN = 1;
    private const nuint TIOCGWINSZ = 0x5413; // asm-generic/ioctls.h

    // struct termios has 60 bytes in glibc and musl on x86-64 and arm64; room for a larger one costs nothing.
    private readonly byte[] _before = new byte[256];
    private int _restored;

    private RawTerminal() { }

    /// <summary>Null when our stdin is no terminal: then there is nothing to change.</summary>
    public static RawTerminal? Enter()
    {
        var terminal = new RawTerminal();
        fixed (byte* before = terminal._before)
        {
            if (tcgetattr(Input, before) != 0) return null;
        }
        AppDomain.CurrentDomain.ProcessExit += terminal.Restore;
        AppDomain.CurrentDomain.UnhandledException += terminal.Restore;
        var raw = (byte[])terminal._before.Clone();
        fixed (byte* settings = raw)
        {
            cfmakeraw(settings);
            _ = tcsetattr(Input, TCSANOW, settings);
        }
        return terminal;
    }

    /// <summary>Rows and columns of our terminal; null when stdin is none.</summary>
    public static (uint Rows, uint Columns)? Size()
    {
        // SAFETY: struct winsize is four u16: rows, columns and two unused. ioctl_tty(2).
        var size = stackalloc ushort[4];
        return ioctl(Input, TIOCGWINSZ, size) == 0 && size[0] > 0 && size[1] > 0 ? (size[0], size[1]) : null;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Restore;
        AppDomain.CurrentDomain.UnhandledException -= Restore;
        Restore(null, EventArgs.Empty);
    }

    private void Restore(object? sender, EventArgs e)
    {
        if (Interlocked.Exchange(ref _restored, 1) != 0) return;
        fixed (byte* before = _before) _ = tcsetattr(Input, TCSADRAIN, before);
    }

    [LibraryImport("libc")]
    private static partial int tcgetattr(int fd, byte* settings);

    [LibraryImport("libc")]
    private static partial int tcsetattr(int fd, int when, byte* settings);

    [LibraryImport("libc")]
    private static partial void cfmakeraw(byte* settings);

    [LibraryImport("libc")]
    private static partial int ioctl(int fd, nuint request, ushort* argument);
}
