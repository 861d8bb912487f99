using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Sockets;

/// <summary>What unix sockets of all types share: connecting, credentials, messages with descriptors. unix(7).</summary>
/// <remarks>A type is one of SOCK_*, with SOCK_NONBLOCK or without; SOCK_CLOEXEC is added.</remarks>
internal static unsafe class UnixSocket
{
    /// <summary>Bytes of the longest path that an address holds.</summary>
    public const int LongestPath = 107;

    private const int ControlHeader = 16; // struct cmsghdr
    private const int ControlSize = 256;

    public static Fd Create(int type)
    {
        var number = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        return number >= 0 ? new Fd(number) : throw new SyscallException("socket", Errno.Last);
    }

    /// <summary>socketpair(2).</summary>
    public static (Fd Ours, Fd Theirs) Pair(int type)
    {
        var ends = stackalloc int[2];
        if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) throw new SyscallException("socketpair", Errno.Last);
        return (new Fd(ends[0]), new Fd(ends[1]));
    }

    /// <summary>
    /// Binds to a path that must not exist. The socket has the mode from the start, less our umask: bind(2) takes it from the
    /// socket's inode, so that there is no moment at which others may connect.
    /// </summary>
    public static Fd Bind(int type, string path, int mode)
    {
        using var address = new UnixAddress(path);
        var fd = Create(type);
        fixed (byte* start = address.Bytes)
            if (fchmod(fd.Number, (ushort)mode) == 0 && bind(fd.Number, (sockaddr*)start, address.Bytes.Length) == 0) return fd;
        var errno = Errno.Last;
        fd.Dispose();
        throw new SyscallException("bind", errno, path);
    }

    /// <summary>Listens at a path that must not exist. Only our user may connect.</summary>
    public static Fd Listen(int type, string path, int backlog)
    {
        var fd = Bind(type, path, 0x180 /* 0600 */);
        if (listen(fd.Number, backlog) == 0) return fd;
        var errno = Errno.Last;
        fd.Dispose();
        throw new SyscallException("listen", errno, path);
    }

    /// <exception cref="SyscallException">No process listens at the path (ECONNREFUSED), it does not exist (ENOENT), or any
    /// other errno.</exception>
    public static Fd Connect(int type, string path) =>
        Connect(type, path, out var errno) ?? throw new SyscallException("connect", errno, path);

    /// <returns>Null where no process listens (ECONNREFUSED) or there is no socket (ENOENT).</returns>
    public static Fd? TryConnect(int type, string path) => Connect(type, path, out var errno)
        ?? (errno is Errno.ECONNREFUSED or Errno.ENOENT ? null : throw new SyscallException("connect", errno, path));

    private static Fd? Connect(int type, string path, out Errno errno)
    {
        try
        {
            using var address = new UnixAddress(path);
            var fd = Create(type);
            errno = Errno.None;
            fixed (byte* start = address.Bytes)
                if (connect(fd.Number, (sockaddr*)start, address.Bytes.Length) == 0) return fd;
            errno = Errno.Last;
            fd.Dispose();
        }
        catch (SyscallException e) // of the path's directory
        {
            errno = e.Errno;
        }
        return null;
    }

    /// <summary>The peer's credentials when it connected or listened. SO_PEERCRED.</summary>
    public static (int Pid, uint Uid) PeerOf(Fd fd)
    {
        ucred peer;
        socklen_t length = sizeof(ucred);
        if (getsockopt(fd.Number, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
            throw new SyscallException("getsockopt(SO_PEERCRED)", Errno.Last);
        return (peer.pid, peer.uid);
    }

    /// <summary>Takes a pending connection of a listener that does not block. The connection does not block either.</summary>
    /// <returns>Null when none is pending.</returns>
    public static Fd? TryAccept(Fd listener)
    {
        while (true)
        {
            var accepted = accept4(listener.Number, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (accepted >= 0) return new Fd(accepted);
            if (Errno.Last is Errno.EINTR) continue;
            return Errno.Last is Errno.EAGAIN or Errno.ECONNABORTED ? null : throw new SyscallException("accept4", Errno.Last);
        }
    }

    /// <summary>The path at which a descriptor listens; null where it is not open, or no listening unix socket.</summary>
    public static string? ListeningPath(int descriptor)
    {
        const int SO_ACCEPTCONN = 30;
        int listens;
        socklen_t length = sizeof(int);
        if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0) return null;
        var address = stackalloc byte[2 + LongestPath + 1];
        length = (socklen_t)(2 + LongestPath + 1);
        if (getsockname(descriptor, (sockaddr*)address, &length) != 0 || *(ushort*)address != AF_UNIX) return null;
        return System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)(address + 2));
    }

    /// <summary>sendmsg(2), with descriptors (SCM_RIGHTS).</summary>
    /// <returns>False when the peer's queue is full (EAGAIN).</returns>
    /// <exception cref="SyscallException">EPIPE or ECONNRESET when the peer is gone, or any other errno.</exception>
    public static bool TrySend(Fd fd, ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors)
    {
        var control = stackalloc byte[ControlSize];
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
                descriptors.CopyTo(new Span<int>(control + ControlHeader, (ControlSize - ControlHeader) / sizeof(int)));
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

    /// <summary>recvmsg(2), with descriptors (SCM_RIGHTS).</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="buffer">Receives the bytes.</param>
    /// <param name="descriptors">Receives the message's descriptors; the caller closes them.</param>
    /// <returns>How many bytes came; 0 when the peer has closed; null when there is nothing now (EAGAIN).</returns>
    /// <exception cref="InvalidDataException">The message or its descriptors do not fit.</exception>
    public static int? TryReceive(Fd fd, Span<byte> buffer, List<Fd> descriptors)
    {
        var control = stackalloc byte[ControlSize];
        fixed (byte* start = buffer)
        {
            var part = new iovec { iov_base = start, iov_len = buffer.Length };
            while (true)
            {
                var header = new msghdr { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = ControlSize };
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
}
