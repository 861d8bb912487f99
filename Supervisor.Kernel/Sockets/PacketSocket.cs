using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Sockets;

/// <summary>
/// A unix socket of type SEQPACKET: whole messages, in order, with descriptors, and with the peer's credentials from the kernel.
/// Never blocks: what cannot be done at once returns false or null. unix(7).
/// </summary>
internal sealed unsafe class PacketSocket(Fd fd) : IDisposable
{
    /// <summary>Bytes of the largest message; larger things travel in a memfd.</summary>
    public const int MaximumMessage = 64 << 10;

    /// <summary>Descriptors of one message.</summary>
    public const int MaximumDescriptors = 8;

    private static int Type => SOCK_SEQPACKET | SOCK_NONBLOCK;

    /// <summary>The descriptor, for epoll.</summary>
    public Fd Fd => fd;

    /// <summary>The peer's credentials when it connected or listened.</summary>
    public (int Pid, uint Uid) Peer => UnixSocket.PeerOf(fd);

    /// <summary>A connected pair; the second, which blocks, is for a child.</summary>
    public static (PacketSocket Ours, Fd Theirs) Pair()
    {
        var (ours, theirs) = UnixSocket.Pair(SOCK_SEQPACKET);
        return (new PacketSocket(ours), theirs);
    }

    /// <summary>Listens at a path, replacing a stale socket of ours. Mode 0600.</summary>
    public static PacketSocket Listen(string path)
    {
        File.Delete(path);
        return new PacketSocket(UnixSocket.Listen(Type, path, 8));
    }

    /// <returns>Null where no process listens: ENOENT, ECONNREFUSED.</returns>
    public static PacketSocket? TryConnect(string path) =>
        UnixSocket.TryConnect(Type, path) is { } connected ? new PacketSocket(connected) : null;

    /// <returns>Null when no connection is pending.</returns>
    public PacketSocket? TryAccept() => UnixSocket.TryAccept(fd) is { } accepted ? new PacketSocket(accepted) : null;

    /// <summary>Sends one message, whole or not at all.</summary>
    /// <returns>False when the peer's queue is full (EAGAIN).</returns>
    /// <exception cref="SyscallException">EPIPE or ECONNRESET when the peer is gone, or any other errno.</exception>
    public bool TrySend(ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors)
    {
        if (message.Length is 0 or > MaximumMessage)
            throw new ArgumentException(
                $"a message must have 1 to {MaximumMessage} bytes, not {message.Length}", nameof(message));
        if (descriptors.Length > MaximumDescriptors)
            throw new ArgumentException($"{descriptors.Length} descriptors are too many", nameof(descriptors));
        return UnixSocket.TrySend(fd, message, descriptors);
    }

    /// <summary>Receives one message.</summary>
    /// <param name="buffer">Receives its bytes.</param>
    /// <param name="descriptors">Receives its descriptors; the caller closes them.</param>
    /// <returns>Its length; 0 when the peer has closed; null when there is none now (EAGAIN).</returns>
    /// <exception cref="InvalidDataException">The message or its descriptors do not fit: not from a peer of ours.</exception>
    public int? TryReceive(Span<byte> buffer, List<Fd> descriptors) => UnixSocket.TryReceive(fd, buffer, descriptors);

    /// <summary>Shuts the connection down in both directions and wakes its readers. shutdown(2).</summary>
    public void ShutDown() => _ = shutdown(fd.Number, SHUT_RDWR);

    /// <inheritdoc/>
    public void Dispose() => fd.Dispose();
}
