using Supervisor.Kernel.Abi;
using Tmds.Linux;

namespace Supervisor.Kernel.Polling;

/// <summary>The events of poll(2).</summary>
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

/// <summary>Waits for one descriptor, with a deadline. poll(2).</summary>
internal static unsafe class Poll
{
    /// <returns>What happened; <see cref="PollEvents.None"/> when <paramref name="timeout"/> passed first.</returns>
    public static PollEvents Wait(int fd, PollEvents events, TimeSpan timeout)
    {
        var end = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (true)
        {
            var entry = new pollfd { fd = fd, events = (short)events };
            var left = Math.Clamp(end - Environment.TickCount64, 0, int.MaxValue);
            var ready = Native.poll(&entry, 1, (int)left);
            if (ready >= 0) return ready == 0 ? PollEvents.None : (PollEvents)entry.revents;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("poll", Errno.Last);
        }
    }

    /// <summary>As <see cref="Wait(int, PollEvents, TimeSpan)"/>, for input on either of two.</summary>
    /// <returns>What happened on each.</returns>
    public static (PollEvents First, PollEvents Second) WaitForInput(int first, int second, TimeSpan timeout)
    {
        var entries = stackalloc pollfd[2];
        entries[0] = new pollfd { fd = first, events = (short)PollEvents.POLLIN };
        entries[1] = new pollfd { fd = second, events = (short)PollEvents.POLLIN };
        if (Native.poll(entries, 2, (int)timeout.TotalMilliseconds) >= 0)
            return ((PollEvents)entries[0].revents, (PollEvents)entries[1].revents);
        return Errno.Last is Errno.EINTR ? default : throw new SyscallException("poll", Errno.Last);
    }
}
