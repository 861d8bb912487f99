using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Polling;

/// <summary>What poll(2) waits for and answers.</summary>
[Flags]
internal enum PollEvents : short
{
    None = 0,
    POLLIN = 1,
    POLLPRI = 2,
    POLLOUT = 4,
    POLLERR = 8,
    POLLHUP = 16,
}

/// <summary>Waiting for one descriptor, with a deadline. poll(2).</summary>
internal static unsafe partial class Poll
{
    /// <returns>What happened; <see cref="PollEvents.None"/> when <paramref name="timeout"/> passed first.</returns>
    public static PollEvents Wait(int fd, PollEvents events, TimeSpan timeout)
    {
        var end = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (true)
        {
            var entry = new PollFd { fd = fd, events = events };
            var left = Math.Clamp(end - Environment.TickCount64, 0, int.MaxValue);
            var ready = poll(&entry, 1, (int)left);
            if (ready >= 0) return ready == 0 ? PollEvents.None : entry.revents;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("poll", Errno.Last);
        }
    }

    /// <summary>As <see cref="Wait(int, PollEvents, TimeSpan)"/>, for input on either of two.</summary>
    /// <returns>What happened on each.</returns>
    public static (PollEvents First, PollEvents Second) WaitForInput(int first, int second, TimeSpan timeout)
    {
        var entries = stackalloc PollFd[2];
        entries[0] = new PollFd { fd = first, events = PollEvents.POLLIN };
        entries[1] = new PollFd { fd = second, events = PollEvents.POLLIN };
        if (poll(entries, 2, (int)timeout.TotalMilliseconds) >= 0) return (entries[0].revents, entries[1].revents);
        return Errno.Last is Errno.EINTR ? default : throw new SyscallException("poll", Errno.Last);
    }

    private struct PollFd
    {
        public int fd;
        public PollEvents events, revents;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollFd* fds, nuint count, int milliseconds);
}
