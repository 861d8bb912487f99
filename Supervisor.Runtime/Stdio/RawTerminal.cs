using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Sets our terminal to raw mode for a container's terminal: every key is forwarded, Ctrl-C too. The old settings are restored
/// however we exit, except on SIGKILL. A shell that stopped us sets its own: ours are set again when it continues us.
/// </summary>
public sealed unsafe class RawTerminal : IDisposable
{
    private const int Input = 0;

    private readonly termios _before, _raw;
    private readonly Lock _gate = new();
    private readonly PosixSignalRegistration _continued;
    private bool _restored;

    private RawTerminal(termios before, termios raw)
    {
        (_before, _raw) = (before, raw);
        AppDomain.CurrentDomain.ProcessExit += Restore;
        AppDomain.CurrentDomain.UnhandledException += Restore;
        _continued = PosixSignalRegistration.Create(PosixSignal.SIGCONT, continued =>
        {
            continued.Cancel = true; // or .NET sets the terminal as it found it
            Apply();
        });
        Apply();
    }

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
        var raw = settings;
        Native.cfmakeraw(&raw);
        if (returnsCarriage) raw.c_oflag |= settings.c_oflag & OPOST;
        return new RawTerminal(settings, raw);
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
        _continued.Dispose();
        AppDomain.CurrentDomain.ProcessExit -= Restore;
        AppDomain.CurrentDomain.UnhandledException -= Restore;
        Restore(null, EventArgs.Empty);
    }

    private void Apply()
    {
        lock (_gate)
        {
            if (_restored) return;
            fixed (termios* raw = &_raw) _ = tcsetattr(Input, (int)TCSANOW, raw);
        }
    }

    private void Restore(object? sender, EventArgs e)
    {
        lock (_gate)
        {
            if (_restored) return;
            _restored = true;
            fixed (termios* before = &_before) _ = tcsetattr(Input, (int)TCSADRAIN, before);
        }
    }
}
