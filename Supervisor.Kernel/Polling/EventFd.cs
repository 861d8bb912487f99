using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Polling;

/// <summary>A counter that epoll can watch. eventfd(2).</summary>
internal sealed class EventFd : IDisposable
{
    public EventFd()
    {
        var fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        Fd = fd >= 0 ? new Fd(fd) : throw new SyscallException("eventfd", Errno.Last);
    }

    /// <summary>Readable while the count is above 0.</summary>
    public Fd Fd { get; }

    /// <summary>Adds one.</summary>
    public void Signal() => Fd.Write(BitConverter.GetBytes(1UL));

    /// <summary>Resets the count to 0 and returns it.</summary>
    public ulong Drain()
    {
        Span<byte> count = stackalloc byte[8];
        return Fd.TryRead(count) is null ? 0 : BitConverter.ToUInt64(count);
    }

    public void Dispose() => Fd.Dispose();
}
