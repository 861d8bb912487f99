using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Sockets;

/// <summary>One end of a unix stream socket pair, with deadlines and with descriptors in its messages. unix(7).</summary>
internal sealed unsafe class StreamSocket(Fd fd) : IDisposable
{
    /// <summary>The descriptor's number, for a launch program.</summary>
    internal int Number => fd.Number;

    /// <summary>Both ends; <see cref="Theirs"/> is for a child.</summary>
    internal sealed record Pair(StreamSocket Ours, Fd Theirs) : IDisposable
    {
        /// <summary>socketpair(2), both ends close-on-exec.</summary>
        public static Pair Create()
        {
            var ends = stackalloc int[2];
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
                throw new SyscallException("socketpair", Errno.Last);
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

    /// <summary>A listening socket that only its owner may connect to.</summary>
    /// <param name="directory">May be longer than a socket's address: it is reached through a descriptor.</param>
    /// <param name="name">Must not exist.</param>
    /// <remarks>
    /// A unix socket takes the mode of its inode at bind(2), so that there is no moment at which others may connect.
    /// </remarks>
    public static Fd Listen(string directory, string name)
    {
        using var place = Fd.Open(directory, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        var fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) throw new SyscallException("socket", Errno.Last);
        var listener = new Fd(fd);
        var address = Address($"/proc/self/fd/{place.Number}/{name}");
        fixed (byte* start = address)
        {
            if (fchmod(fd, 0x180 /* 0600 */) == 0 && bind(fd, (sockaddr*)start, address.Length) == 0 && listen(fd, 1) == 0)
                return listener;
        }
        var errno = Errno.Last;
        listener.Dispose();
        throw new SyscallException("bind", errno, Path.Join(directory, name));
    }

    /// <summary>Connects to the listener at a path, if it runs as our user.</summary>
    /// <returns>Null when no process listens there, or nothing is there.</returns>
    public static StreamSocket? TryConnect(string directory, string name)
    {
        using var place = Fd.Open(directory, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        return TryConnect($"/proc/self/fd/{place.Number}/{name}") is { } connected
            ? OfOurUser(connected, Path.Join(directory, name)) : null;
    }

    /// <summary>Connects to the listener at a path.</summary>
    /// <returns>Null when no process listens there (ECONNREFUSED), or nothing is there (ENOENT).</returns>
    public static StreamSocket? TryConnect(string path)
    {
        var fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) throw new SyscallException("socket", Errno.Last);
        var connected = new StreamSocket(new Fd(fd));
        var address = Address(path);
        fixed (byte* start = address)
            if (connect(fd, (sockaddr*)start, address.Length) == 0) return connected;
        var errno = Errno.Last;
        connected.Dispose();
        return errno is Errno.ECONNREFUSED or Errno.ENOENT ? null : throw new SyscallException("connect", errno, path);
    }

    /// <summary>Sends a descriptor, with some bytes that name it.</summary>
    public void SendDescriptor(Fd descriptor, ReadOnlySpan<byte> bytes)
    {
        var control = stackalloc long[3];
        control[0] = 20; // cmsg_len: header and one descriptor; cmsg(3)
        ((int*)control)[2] = SOL_SOCKET;
        ((int*)control)[3] = SCM_RIGHTS;
        ((int*)control)[4] = descriptor.Number;
        fixed (byte* start = bytes)
        {
            var part = new iovec { iov_base = start, iov_len = bytes.Length };
            var message = new msghdr { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = 24 };
            while (sendmsg(fd.Number, &message, MSG_NOSIGNAL) < 0)
                if (Errno.Last is not Errno.EINTR) throw new SyscallException("sendmsg", Errno.Last);
        }
        GC.KeepAlive(descriptor);
    }

    private static StreamSocket OfOurUser(StreamSocket socket, string path)
    {
        ucred peer;
        socklen_t length = sizeof(ucred);
        if (getsockopt(socket.Number, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid()) return socket;
        socket.Dispose();
        throw new SyscallException("connect", Errno.EACCES, $"{path}: the listener runs as another user");
    }

    /// <summary>struct sockaddr_un, with the final NUL. unix(7).</summary>
    private static byte[] Address(string path)
    {
        const int Longest = 108;
        var length = System.Text.Encoding.UTF8.GetByteCount(path);
        if (length >= Longest)
            throw new ArgumentException($"the socket's path \"{path}\" is longer than {Longest - 1} bytes", nameof(path));
        var address = new byte[2 + length + 1];
        address[0] = (byte)AF_UNIX;
        System.Text.Encoding.UTF8.GetBytes(path, address.AsSpan(2));
        return address;
    }

    /// <summary>Sends all of <paramref name="bytes"/>.</summary>
    /// <exception cref="SyscallException">EPIPE or ECONNRESET when the peer is gone, or any other errno.</exception>
    /// <exception cref="OperationCanceledException">The peer did not take it before the deadline.</exception>
    public void Send(ReadOnlySpan<byte> bytes, CancellationToken deadline)
    {
        while (!bytes.IsEmpty)
        {
            long sent;
            fixed (byte* start = bytes) sent = send(fd.Number, start, bytes.Length, MSG_DONTWAIT | MSG_NOSIGNAL);
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
            long got;
            fixed (byte* start = buffer[total..]) got = recv(fd.Number, start, buffer.Length - total, MSG_DONTWAIT);
            if (got > 0) total += (int)got;
            else if (got == 0 || Errno.Last is Errno.ECONNRESET) break;
            else if (Errno.Last is Errno.EAGAIN) Await(PollEvents.POLLIN, deadline);
            else if (Errno.Last is not Errno.EINTR) throw new SyscallException("recv", Errno.Last);
        }
        return total;
    }

    /// <summary>Receives one byte and the descriptor that came with it.</summary>
    /// <param name="payload">For the byte.</param>
    /// <returns>Null when the byte came without a descriptor.</returns>
    /// <exception cref="SyscallException">ECONNRESET when the peer closed instead.</exception>
    public Fd? ReceiveDescriptor(Span<byte> payload, CancellationToken deadline)
    {
        byte received;
        var part = new iovec { iov_base = &received, iov_len = 1 };
        var control = stackalloc long[8];
        while (true)
        {
            var message = new msghdr { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = 64 };
            var got = recvmsg(fd.Number, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (got > 0) payload[0] = received;
            if (got > 0 && message.msg_controllen >= 20 && ((int*)control)[2] == SOL_SOCKET && ((int*)control)[3] == SCM_RIGHTS)
                return new Fd(((int*)control)[4]);
            if (got > 0) return null;
            if (got == 0) throw new SyscallException("recvmsg", Errno.ECONNRESET, "a descriptor was expected");
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
}
