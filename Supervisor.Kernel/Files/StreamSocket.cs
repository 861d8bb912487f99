using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Polling;

namespace Supervisor.Kernel.Files;

/// <summary>One end of a unix stream socket pair, with deadlines and with descriptors in its messages. unix(7).</summary>
internal sealed unsafe partial class StreamSocket(Fd fd) : IDisposable
{
    private const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000;

    /// <summary>Both ends; <see cref="Theirs"/> is for a child.</summary>
    internal sealed record Pair(StreamSocket Ours, Fd Theirs) : IDisposable
    {
        /// <summary>socketpair(2), both ends close-on-exec.</summary>
        public static Pair Create()
        {
            var ends = stackalloc int[2];
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw new SyscallException("socketpair", Errno.Last);
            return new Pair(new StreamSocket(new Fd(ends[0])), new Fd(ends[1]));
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            Ours.Dispose();
            Theirs.Dispose();
        }
    }

    /// <summary>The descriptor, to be handed over.</summary>
    public Fd Fd => fd;

    /// <summary>Sends all of <paramref name="bytes"/>.</summary>
    /// <exception cref="SyscallException">EPIPE or ECONNRESET when the peer is gone, or any other errno.</exception>
    /// <exception cref="OperationCanceledException">The peer did not take it before the deadline.</exception>
    public void Send(ReadOnlySpan<byte> bytes, CancellationToken deadline)
    {
        while (!bytes.IsEmpty)
        {
            nint sent;
            fixed (byte* start = bytes) sent = send(fd.Number, start, (nuint)bytes.Length, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent >= 0) bytes = bytes[(int)sent..];
            else if (Errno.Last is Errno.EAGAIN) Await(PollEvents.POLLOUT, deadline);
            else if (Errno.Last is not Errno.EINTR) throw new SyscallException("send", Errno.Last);
        }
    }

    /// <summary>Receives until <paramref name="buffer"/> is full or the peer has closed.</summary>
    /// <returns>How many bytes came.</returns>
    public int Receive(Span<byte> buffer, CancellationToken deadline)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            nint got;
            fixed (byte* start = buffer[total..]) got = recv(fd.Number, start, (nuint)(buffer.Length - total), MSG_DONTWAIT);
            if (got > 0) total += (int)got;
            else if (got == 0 || Errno.Last is Errno.ECONNRESET) break;
            else if (Errno.Last is Errno.EAGAIN) Await(PollEvents.POLLIN, deadline);
            else if (Errno.Last is not Errno.EINTR) throw new SyscallException("recv", Errno.Last);
        }
        return total;
    }

    /// <summary>Receives one byte and the descriptor that came with it.</summary>
    /// <exception cref="SyscallException">ECONNRESET when the peer closed instead.</exception>
    public Fd ReceiveDescriptor(CancellationToken deadline)
    {
        byte payload;
        var part = new IoVector { start = &payload, length = 1 };
        var control = stackalloc long[8];
        while (true)
        {
            var message = new MessageHeader { parts = &part, count = 1, control = control, controlLength = 64 };
            var got = recvmsg(fd.Number, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (got > 0 && message.controlLength >= 20 && ((int*)control)[2] == SOL_SOCKET && ((int*)control)[3] == SCM_RIGHTS)
                return new Fd(((int*)control)[4]);
            if (got >= 0) throw new SyscallException("recvmsg", Errno.ECONNRESET, "a descriptor was expected");
            if (Errno.Last is Errno.EAGAIN) Await(PollEvents.POLLIN, deadline);
            else if (Errno.Last is not Errno.EINTR) throw new SyscallException("recvmsg", Errno.Last);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => fd.Dispose();

    private void Await(PollEvents events, CancellationToken deadline)
    {
        do deadline.ThrowIfCancellationRequested();
        while (Poll.Wait(fd.Number, events, TimeSpan.FromMilliseconds(100)) == PollEvents.None);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int fd, MessageHeader* message, int flags);
}
