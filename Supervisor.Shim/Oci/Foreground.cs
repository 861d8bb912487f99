using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Stdio;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>
/// A process that we wait for: we forward our signals to it, and relay its terminal while it runs. One thread, one poll(2);
/// the .NET runtime delivers signals on a thread of its own.
/// </summary>
internal sealed unsafe class Foreground : IDisposable
{
    private static readonly PosixSignal[] Forwarded =
        [PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM, (PosixSignal)10, (PosixSignal)12];

    private readonly Fd? _terminal;
    private readonly int _exit;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly RawTerminal? _raw;

    /// <param name="terminal">Master of the process's terminal, ours from now on; null without one.</param>
    /// <param name="exit">Readable when the process has exited.</param>
    /// <param name="signal">Sends it a signal.</param>
    public Foreground(Fd? terminal, int exit, Action<int> signal)
    {
        (_terminal, _exit) = (terminal, exit);
        foreach (var one in Forwarded) Register(one, () => signal(NumberOf(one)));
        if (terminal is null) return;
        Resize();
        WriteNewlinesPlainly(terminal);
        Register((PosixSignal)SIGWINCH, Resize);
        _raw = RawTerminal.Enter(returnsCarriage: true); // for the newlines that come from the container
    }

    /// <summary>Returns when the process has exited and the rest of its terminal's output has been passed on.</summary>
    public void WaitForExit()
    {
        var fds = stackalloc pollfd[3];
        var buffer = new byte[_terminal is null ? 0 : 32 << 10];
        var input = _terminal is not null;
        var output = _terminal is not null;
        while (true)
        {
            fds[0] = new pollfd { fd = _exit, events = POLLIN, revents = 0 };
            fds[1] = new pollfd { fd = output ? _terminal!.Number : -1, events = POLLIN, revents = 0 };
            fds[2] = new pollfd { fd = input && output ? 0 : -1, events = POLLIN, revents = 0 };
            if (Native.poll(fds, 3, -1) < 0)
            {
                if (Errno.Last is Errno.EINTR) continue;
                throw new SyscallException("poll", Errno.Last);
            }
            if (fds[1].revents != 0) output = Copy(_terminal!.Number, 1, buffer);
            if (fds[2].revents != 0) input = Copy(0, _terminal!.Number, buffer);
            if (fds[0].revents != 0 && fds[1].revents == 0) return; // by then the kernel has passed on all that it wrote
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _raw?.Dispose();
        _terminal?.Dispose();
    }

    private void Register(PosixSignal signal, Action action) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        action();
    }));

    private static int NumberOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGHUP =>
            1, PosixSignal.SIGINT => 2, PosixSignal.SIGQUIT => 3, PosixSignal.SIGTERM => 15, var raw => (int)raw,
    };

    private void Resize()
    {
        winsize size;
        if (_terminal is { IsClosed: false } && ioctl(0, TIOCGWINSZ, &size) == 0) _ = ioctl(_terminal.Number, TIOCSWINSZ, &size);
    }

    /// <summary>
    /// As in runc: the container's terminal adds no carriage returns, which would end up in a pipe or file; ours adds them on a
    /// screen.
    /// </summary>
    private static void WriteNewlinesPlainly(Fd terminal)
    {
        termios settings;
        if (tcgetattr(terminal.Number, &settings) != 0) return;
        settings.c_oflag &= ~ONLCR;
        _ = tcsetattr(terminal.Number, (int)TCSANOW, &settings);
    }

    /// <returns>False at the end of either side.</returns>
    private static bool Copy(int from, int to, byte[] buffer)
    {
        fixed (byte* start = buffer)
        {
            long got;
            while ((got = read(from, start, buffer.Length)) < 0)
                if (Errno.Last is not Errno.EINTR) return false; // EIO: the last slave is closed
            for (long sent = 0; sent < got;)
            {
                var more = write(to, start + sent, (int)(got - sent));
                if (more >= 0) sent += more;
                else if (Errno.Last is not Errno.EINTR) return false;
            }
            return got > 0;
        }
    }
}
