using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
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

    /// <summary>Bytes of the longest path that an address holds. unix(7).</summary>
    public const int LongestPath = 107;

    /// <summary>Descriptors of one message.</summary>
    public const int MaximumDescriptors = 8;

    private const int ControlHeader = 16; // struct cmsghdr

    /// <summary>The descriptor, for epoll.</summary>
    public Fd Fd => fd;

    /// <summary>The peer's credentials when it connected or listened. unix(7), SO_PEERCRED.</summary>
    public (int Pid, uint Uid) Peer
    {
        get
        {
            ucred peer;
            socklen_t length = sizeof(ucred);
            if (getsockopt(fd.Number, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
                throw new SyscallException("getsockopt(SO_PEERCRED)", Errno.Last);
            return (peer.pid, peer.uid);
        }
    }

    /// <summary>A connected pair; the second, which blocks, is for a child. socketpair(2).</summary>
    public static (PacketSocket Ours, Fd Theirs) Pair()
    {
        var ends = stackalloc int[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
            throw new SyscallException("socketpair", Errno.Last);
        return (new PacketSocket(new Fd(ends[0])), new Fd(ends[1]));
    }

    /// <summary>Listens at a path, replacing a stale socket of ours. Mode 0600.</summary>
    public static PacketSocket Listen(string path)
    {
        var fd = New();
        try
        {
            File.Delete(path);
            var address = Address(path, out var length, out var place);
            using var _ = place;
            if (fchmod(fd.Number, 0x180 /* 0600: the mode that bind(2) gives the file */) != 0)
                throw new SyscallException("fchmod", Errno.Last, path);
            if (bind(fd.Number, (sockaddr*)&address, length) != 0) throw new SyscallException("bind", Errno.Last, path);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (listen(fd.Number, 8) != 0) throw new SyscallException("listen", Errno.Last, path);
            return new PacketSocket(fd);
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    /// <returns>Null where no process listens: ENOENT, ECONNREFUSED.</returns>
    public static PacketSocket? TryConnect(string path)
    {
        var fd = New();
        sockaddr_un address;
        int length;
        Fd? place;
        try
        {
            address = Address(path, out length, out place);
        }
        catch (SyscallException e)
        {
            fd.Dispose();
            if (e.Errno is Errno.ENOENT) return null;
            throw;
        }
        using var _ = place;
        if (connect(fd.Number, (sockaddr*)&address, length) == 0) return new PacketSocket(fd);
        var errno = Errno.Last;
        fd.Dispose();
        return errno is Errno.ENOENT or Errno.ECONNREFUSED ? null : throw new SyscallException("connect", errno, path);
    }

    /// <returns>Null when no connection is pending.</returns>
    public PacketSocket? TryAccept()
    {
        while (true)
        {
            var accepted = accept4(fd.Number, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (accepted >= 0) return new PacketSocket(new Fd(accepted));
            if (Errno.Last is Errno.EINTR) continue;
            return Errno.Last is Errno.EAGAIN or Errno.ECONNABORTED ? null : throw new SyscallException("accept4", Errno.Last);
        }
    }

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
        var control = stackalloc byte[ControlHeader + MaximumDescriptors * sizeof(int)];
        fixed (byte* start = message)
        {
            var part = new iovec { iov_base = start, iov_len = message.Length };
            var header = new msghdr { msg_iov = &part, msg_iovlen = 1 };
            if (descriptors.Length > 0)
            {
                // struct cmsghdr: length, level, type, then the numbers; padded to eight bytes.
                *(nuint*)control = (nuint)(ControlHeader + descriptors.Length * sizeof(int));
                ((int*)control)[2] = SOL_SOCKET;
                ((int*)control)[3] = SCM_RIGHTS;
                descriptors.CopyTo(new Span<int>(control + ControlHeader, descriptors.Length));
                header.msg_control = control;
                header.msg_controllen = ControlHeader + (descriptors.Length * sizeof(int) + 7 & ~7);
            }
            while (true)
            {
                if (sendmsg(fd.Number, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
                if (Errno.Last is Errno.EAGAIN) return false;
                if (Errno.Last is not Errno.EINTR) throw new SyscallException("sendmsg", Errno.Last);
            }
        }
    }

    /// <summary>Receives one message.</summary>
    /// <param name="descriptors">Receives the message's descriptors; the caller closes them.</param>
    /// <returns>Its length; 0 when the peer has closed; null when there is none now (EAGAIN).</returns>
    /// <exception cref="InvalidDataException">The message or its descriptors do not fit: not from a peer of ours.</exception>
    public int? TryReceive(Span<byte> buffer, List<Fd> descriptors)
    {
        const int controlSize = 256;
        var control = stackalloc byte[controlSize];
        fixed (byte* start = buffer)
        {
            var part = new iovec { iov_base = start, iov_len = buffer.Length };
            while (true)
            {
                var header = new msghdr { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = controlSize };
                var got = recvmsg(fd.Number, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
                if (got < 0)
                {
                    if (Errno.Last is Errno.EAGAIN) return null;
                    if (Errno.Last is Errno.ECONNRESET) return 0;
                    if (Errno.Last is Errno.EINTR) continue;
                    throw new SyscallException("recvmsg", Errno.Last);
                }
                var (level, type) = (((int*)control)[2], ((int*)control)[3]);
                if (header.msg_controllen >= ControlHeader && level == SOL_SOCKET && type == SCM_RIGHTS)
                    for (var i = 0; i < ((int)*(nuint*)control - ControlHeader) / sizeof(int); i++)
                        descriptors.Add(new Fd(((int*)(control + ControlHeader))[i]));
                if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
                    throw new InvalidDataException("the message is too long, or its descriptors could not be received (EMFILE)");
                return (int)got;
            }
        }
    }

    /// <summary>Shuts the connection down in both directions and wakes its readers. shutdown(2).</summary>
    public void ShutDown() => _ = shutdown(fd.Number, SHUT_RDWR);

    /// <inheritdoc/>
    public void Dispose() => fd.Dispose();

    private static Fd New()
    {
        var number = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        return number >= 0 ? new Fd(number) : throw new SyscallException("socket", Errno.Last);
    }

    /// <summary>
    /// Addresses a path that is too long through a descriptor of its directory. proc(5), /proc/self/fd.
    /// </summary>
    /// <param name="directory">To be kept open while the address is used; null for a path that fits.</param>
    private static sockaddr_un Address(string path, out int length, out Fd? directory)
    {
        directory = null;
        if (Encoding.UTF8.GetByteCount(path) > LongestPath && Path.GetDirectoryName(path) is { Length: > 0 } above)
        {
            directory = Fd.Open(above, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
            path = $"/proc/self/fd/{directory.Number}/{Path.GetFileName(path)}";
        }
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length is 0 or > LongestPath)
            throw new ArgumentException($"\"{path}\": a socket's path has 1 to {LongestPath} bytes", nameof(path));
        var address = new sockaddr_un { sun_family = AF_UNIX };
        bytes.CopyTo(new Span<byte>(address.sun_path, LongestPath));
        length = 2 + bytes.Length + 1;
        return address;
    }
}
