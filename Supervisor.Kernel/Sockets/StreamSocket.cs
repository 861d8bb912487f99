using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Sockets;

/// <summary>
/// One end of a unix stream connection, with deadlines and with descriptors in its messages. Methods named Try do not wait.
/// unix(7).
/// </summary>
internal sealed unsafe class StreamSocket(Fd fd) : IDisposable
{
    /// <summary>The descriptor's number, for a launch program.</summary>
    internal int Number => fd.Number;

    /// <summary>Both ends; <see cref="Theirs"/> is for a child.</summary>
    internal sealed record Pair(StreamSocket Ours, Fd Theirs) : IDisposable
    {
        public static Pair Create()
        {
            var (ours, theirs) = UnixSocket.Pair(SOCK_STREAM);
            return new Pair(new StreamSocket(ours), theirs);
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

    /// <summary>A listening socket at a path that must not exist. Only our user may connect.</summary>
    public static Fd Listen(string path) => UnixSocket.Listen(SOCK_STREAM, path, 1);

    /// <summary>Takes a pending connection of a listener that does not block.</summary>
    /// <returns>Null when none is pending.</returns>
    public static StreamSocket? TryAccept(Fd listener) =>
        UnixSocket.TryAccept(listener) is { } accepted ? new StreamSocket(accepted) : null;

    /// <exception cref="SyscallException">No process listens at the path, or any other errno.</exception>
    public static StreamSocket Connect(string path) => new(UnixSocket.Connect(SOCK_STREAM, path));

    /// <summary>Connects to the listener at a path, if it runs as our user.</summary>
    /// <returns>Null when no process listens there, or nothing is there.</returns>
    public static StreamSocket? TryConnectToOurs(string path)
    {
        if (UnixSocket.TryConnect(SOCK_STREAM, path) is not { } connected) return null;
        if (UnixSocket.PeerOf(connected).Uid == CurrentUser.Uid) return new StreamSocket(connected);
        connected.Dispose();
        throw new SyscallException("connect", Errno.EACCES, $"{path}: the listener runs as another user");
    }

    /// <summary>Sends a descriptor, with some bytes that name it.</summary>
    public void SendDescriptor(Fd descriptor, ReadOnlySpan<byte> bytes)
    {
        if (!UnixSocket.TrySend(fd, bytes, [descriptor.Number])) throw new SyscallException("sendmsg", Errno.EAGAIN);
        GC.KeepAlive(descriptor);
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

    /// <summary>Sends what the peer's queue takes now.</summary>
    /// <returns>How many bytes; null for none (EAGAIN).</returns>
    /// <exception cref="SyscallException">EPIPE or ECONNRESET when the peer is gone, or any other errno.</exception>
    public int? TrySend(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            long sent;
            fixed (byte* start = bytes) sent = send(fd.Number, start, bytes.Length, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent >= 0) return (int)sent;
            if (Errno.Last is Errno.EAGAIN) return null;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("send", Errno.Last);
        }
    }

    /// <summary>Receives what is there now.</summary>
    /// <returns>How many bytes; 0 when the peer has closed; null when nothing is there (EAGAIN).</returns>
    public int? TryReceive(Span<byte> buffer)
    {
        while (true)
        {
            long got;
            fixed (byte* start = buffer) got = recv(fd.Number, start, buffer.Length, MSG_DONTWAIT);
            if (got >= 0) return (int)got;
            if (Errno.Last is Errno.ECONNRESET) return 0;
            if (Errno.Last is Errno.EAGAIN) return null;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("recv", Errno.Last);
        }
    }

    /// <summary>Receives one byte and the descriptor that came with it.</summary>
    /// <param name="payload">For the byte.</param>
    /// <returns>Null when the byte came without a descriptor.</returns>
    /// <exception cref="SyscallException">ECONNRESET when the peer closed instead.</exception>
    public Fd? ReceiveDescriptor(Span<byte> payload, CancellationToken deadline)
    {
        var descriptors = new List<Fd>();
        int? got;
        while ((got = UnixSocket.TryReceive(fd, payload[..1], descriptors)) is null) Await(PollEvents.POLLIN, deadline);
        if (got == 0) throw new SyscallException("recvmsg", Errno.ECONNRESET, "a descriptor was expected");
        foreach (var more in descriptors.Skip(1)) more.Dispose();
        return descriptors.FirstOrDefault();
    }

    /// <inheritdoc/>
    public void Dispose() => fd.Dispose();

    private void Await(PollEvents events, CancellationToken deadline)
    {
        do deadline.ThrowIfCancellationRequested();
        while (Poll.Wait(fd.Number, events, TimeSpan.FromMilliseconds(100)) == PollEvents.None);
    }
}
