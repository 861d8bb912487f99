using Supervisor.Kernel.Abi;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Sets our terminal to raw mode for a container's terminal: every key is forwarded, Ctrl-C too. The old settings are restored
/// however we exit, except on SIGKILL.
/// </summary>
public sealed unsafe class RawTerminal : IDisposable
{
    private const int Input = 0;

    private readonly termios _before;
    private int _restored;

    private RawTerminal(termios before) => _before = before;

    /// <summary>Whether our stdin is a terminal.</summary>
    public static bool IsTerminal
    {
        get
        {
            termios settings;
            return tcgetattr(Input, &settings) == 0;
        }
    }

    /// <summary>Null if our stdin is not a terminal: then there is nothing to change.</summary>
    /// <param name="returnsCarriage">Whether it still adds carriage returns to the newlines of the output.</param>
    public static RawTerminal? Enter(bool returnsCarriage = false)
    {
        termios settings;
        if (tcgetattr(Input, &settings) != 0) return null;
        var terminal = new RawTerminal(settings);
        AppDomain.CurrentDomain.ProcessExit += terminal.Restore;
        AppDomain.CurrentDomain.UnhandledException += terminal.Restore;
        var output = returnsCarriage ? settings.c_oflag & OPOST : 0;
        Native.cfmakeraw(&settings);
        settings.c_oflag |= output;
        _ = tcsetattr(Input, (int)TCSANOW, &settings);
        return terminal;
    }

    /// <summary>Rows and columns of our terminal; null if stdin is not a terminal.</summary>
    public static (uint Rows, uint Columns)? Size()
    {
        winsize size;
        return ioctl(Input, TIOCGWINSZ, &size) == 0 && size is { ws_row: > 0, ws_col: > 0 } ? (size.ws_row, size.ws_col) : null;
    }

    /// <summary>Restores the settings.</summary>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Restore;
        AppDomain.CurrentDomain.UnhandledException -= Restore;
        Restore(null, EventArgs.Empty);
    }

    private void Restore(object? sender, EventArgs e)
    {
        if (Interlocked.Exchange(ref _restored, 1) != 0) return;
        fixed (termios* before = &_before) _ = tcsetattr(Input, (int)TCSADRAIN, before);
    }
}
