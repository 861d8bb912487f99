using System.Runtime.InteropServices;
using Supervisor.Kernel.Files;

namespace Supervisor.Shim.Oci;

/// <summary>
/// A process that we wait for: it gets our signals, and a terminal of it is ours while it runs. One thread, one poll(2);
/// signals come on a thread of the runtime.
/// </summary>
internal sealed unsafe partial class Foreground : IDisposable
{
    private const short POLLIN = 1, POLLHUP = 16, POLLERR = 8;
    private const int EINTR = 4, SIGWINCH = 28, TCSANOW = 0, TCSADRAIN = 1;
    private const nuint TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414; // asm-generic/ioctls.h

    private static readonly PosixSignal[] Forwarded =
        [PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM, (PosixSignal)10, (PosixSignal)12];

    private readonly Fd? _terminal;
    private readonly int _exit;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly byte[] _before = new byte[256]; // struct termios, 60 bytes
    private readonly bool _raw;

    /// <param name="terminal">Master of the process's terminal, ours from now on; null without one.</param>
    /// <param name="exit">Readable when the process has ended.</param>
    /// <param name="signal">Sends it a signal.</param>
    public Foreground(Fd? terminal, int exit, Action<int> signal)
    {
        (_terminal, _exit) = (terminal, exit);
        foreach (var one in Forwarded) Register(one, () => signal(NumberOf(one)));
        if (terminal is null) return;
        Resize();
        Register((PosixSignal)SIGWINCH, Resize);
        _raw = MakeRaw();
    }

    /// <summary>Returns when the process has ended and what its terminal still held has been passed on.</summary>
    public void WaitForExit()
    {
        var fds = stackalloc PollFd[3];
        var buffer = new byte[_terminal is null ? 0 : 32 << 10];
        var input = _terminal is not null;
        var output = _terminal is not null;
        while (true)
        {
            fds[0] = new PollFd { fd = _exit, events = POLLIN, revents = 0 };
            fds[1] = new PollFd { fd = output ? _terminal!.Number : -1, events = POLLIN, revents = 0 };
            fds[2] = new PollFd { fd = input && output ? 0 : -1, events = POLLIN, revents = 0 };
            if (poll(fds, 3, -1) < 0)
            {
                if (Marshal.GetLastPInvokeError() == EINTR) continue;
                throw new IOException($"poll: errno {Marshal.GetLastPInvokeError()}");
            }
            if (fds[1].revents != 0) output = Copy(_terminal!.Number, 1, buffer);
            if (fds[2].revents != 0) input = Copy(0, _terminal!.Number, buffer);
            if (fds[0].revents != 0 && fds[1].revents == 0) return; // the kernel has passed on all that it wrote by then
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        if (_raw)
            fixed (byte* before = _before) _ = tcsetattr(0, TCSADRAIN, before);
        _terminal?.Dispose();
    }

    private void Register(PosixSignal signal, Action action) => _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        action();
    }));

    private static int NumberOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGHUP => 1, PosixSignal.SIGINT => 2, PosixSignal.SIGQUIT => 3, PosixSignal.SIGTERM => 15, var raw => (int)raw,
    };

    private void Resize()
    {
        // SAFETY: struct winsize is four u16. ioctl_tty(2).
        var size = stackalloc ushort[4];
        if (_terminal is { IsClosed: false } && ioctl(0, TIOCGWINSZ, size) == 0) _ = ioctl(_terminal.Number, TIOCSWINSZ, size);
    }

    private bool MakeRaw()
    {
        fixed (byte* before = _before)
        {
            if (tcgetattr(0, before) != 0) return false; // no terminal of ours: nothing to change
            var raw = stackalloc byte[256];
            new Span<byte>(before, 256).CopyTo(new Span<byte>(raw, 256));
            cfmakeraw(raw);
            return tcsetattr(0, TCSANOW, raw) == 0;
        }
    }

    /// <returns>False at the end of either side.</returns>
    private static bool Copy(int from, int to, byte[] buffer)
    {
        fixed (byte* start = buffer)
        {
            nint got;
            while ((got = read(from, start, (nuint)buffer.Length)) < 0)
                if (Marshal.GetLastPInvokeError() != EINTR) return false; // EIO: the last slave is closed
            for (nint sent = 0; sent < got;)
            {
                var more = write(to, start + sent, (nuint)(got - sent));
                if (more >= 0) sent += more;
                else if (Marshal.GetLastPInvokeError() != EINTR) return false;
            }
            return got > 0;
        }
    }

    private struct PollFd
    {
        public int fd;
        public short events, revents;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollFd* fds, nuint count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial int tcgetattr(int fd, byte* settings);

    [LibraryImport("libc")]
    private static partial int tcsetattr(int fd, int when, byte* settings);

    [LibraryImport("libc")]
    private static partial void cfmakeraw(byte* settings);

    [LibraryImport("libc")]
    private static partial int ioctl(int fd, nuint request, ushort* argument);
}
