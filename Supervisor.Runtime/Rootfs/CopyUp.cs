using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Rootfs;

/// <summary>
/// Fills a tmpfs with a copy of the directory that it will cover (<c>tmpcopyup</c>), while the init waits. Both are opened
/// through the init's descriptors, and no symlink below them is followed: the image is not trusted.
/// </summary>
internal static unsafe class CopyUp
{
    private const int MostEntries = 1 << 20, Deepest = 128;

    /// <param name="root">The init's descriptor of its root filesystem.</param>
    /// <param name="into">The init's descriptor of the detached tmpfs.</param>
    public static void Run(int pid, int root, string destination, int into, CancellationToken deadline)
    {
        using var process = Pidfd.TryOpen(pid) ?? throw new SyscallException("pidfd_open", Errno.ESRCH);
        using var rootFd = Take(process, root);
        using var target = Take(process, into);
        var relative = destination.Trim('/') is { Length: > 0 } some ? some : ".";
        if (Openat2.TryOpen(rootFd, relative, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, ResolveFlags.RESOLVE_IN_ROOT) is not {
            } source) return;
        using (source)
        {
            var left = MostEntries;
            // A mount's descriptor is O_PATH: it must be reopened to make entries.
            using var top = Openat2.TryOpen(
                target, ".", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, ResolveFlags.RESOLVE_NO_SYMLINKS)!;
            Directory(source, top, 0, ref left, deadline);
            CopyAttributes(source, top); // last: the copied mode may forbid writing
        }
    }

    private static void Directory(Fd from, Fd to, int depth, ref int left, CancellationToken deadline)
    {
        if (depth > Deepest) throw new SyscallException("tmpcopyup", Errno.ENAMETOOLONG, $"more than {Deepest} directories deep");
        foreach (var name in DirectoryNames.Of(from))
        {
            deadline.ThrowIfCancellationRequested();
            if (--left < 0) throw new SyscallException("tmpcopyup", Errno.ENOSPC, $"more than {MostEntries} files");
            using var place = Openat2.TryOpen(
                from, name, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW, ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_XDEV);
            if (place is null) continue;
            // A device, socket or FIFO has no content to copy.
            switch (FileStatus.Of(place))
            {
                case { IsDirectory: true }:
                    fixed (byte* text = name) Try(mkdirat(to.Number, text, 0x1c0 /* 0700 */), "mkdirat", name);
                    using (var inner = Openat2.TryOpen(from, name, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, Beneath)!)
                    using (var made = Openat2.TryOpen(to, name, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, Beneath)!)
                    {
                        Directory(inner, made, depth + 1, ref left, deadline);
                        CopyAttributes(inner, made);
                    }
                    break;
                case { IsRegular: true }:
                    using (var file = Openat2.TryOpen(from, name, OpenFlags.O_RDONLY, Beneath)!)
                    using (var made = Openat2.TryOpen(
                        to, name, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, Beneath, 0x180 /* 0600 */)!)
                    {
                        var buffer = new byte[65536];
                        while (file.TryRead(buffer) is > 0 and var got) made.Write(buffer.AsSpan(0, got));
                        CopyAttributes(file, made);
                    }
                    break;
                case { IsSymlink: true }:
                    Symlink(place, to, name);
                    break;
            }
        }
    }

    private static void Symlink(Fd place, Fd to, byte[] name)
    {
        const int Longest = 4096; // PATH_MAX, and a terminating NUL
        var target = stackalloc byte[Longest];
        byte empty = 0;
        var length = (int)readlinkat(place.Number, &empty, target, Longest - 1);
        if (length < 0) Try(length, "readlinkat", name);
        target[length] = 0;
        var (_, uid, gid) = FileStatus.OwnerOf(place);
        fixed (byte* text = name)
        {
            Try(symlinkat(target, to.Number, text), "symlinkat", name);
            Try(fchownat(to.Number, text, uid, gid, AT_SYMLINK_NOFOLLOW), "fchownat", name);
        }
    }

    private const ResolveFlags Beneath =
        ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_SYMLINKS | ResolveFlags.RESOLVE_NO_XDEV;

    /// <summary>Owner, mode, then extended attributes: chown removes file capabilities.</summary>
    private static void CopyAttributes(Fd from, Fd to)
    {
        var (mode, uid, gid) = FileStatus.OwnerOf(from);
        Try(fchown(to.Number, uid, gid), "fchown", null);
        Try(fchmod(to.Number, (ushort)(mode & 0xfff)), "fchmod", null);
        var keys = new byte[64 * 1024]; // XATTR_LIST_MAX
        var value = new byte[64 * 1024]; // XATTR_SIZE_MAX
        fixed (byte* list = keys, bytes = value)
        {
            var length = Native.flistxattr(from.Number, list, (nuint)keys.Length);
            for (nint key = 0; key < length;)
            {
                var size = Native.fgetxattr(from.Number, list + key, bytes, (nuint)value.Length);
                // tmpfs has no user.* before Linux 6.6, and a security module may refuse its label: the copy then has none,
                // like any new file there.
                if (size >= 0 && Native.fsetxattr(to.Number, list + key, bytes, (nuint)size, 0) != 0
                    && Errno.Last is not (Errno.EOPNOTSUPP or Errno.EPERM or Errno.EACCES))
                    throw new SyscallException(
                        "fsetxattr", Errno.Last, Encoding.UTF8.GetString(list + key, (int)(length - key)).Split('\0')[0]);
                while (list[key] != 0) key++;
                key++;
            }
        }
    }

    private static Fd Take(Pidfd process, int number)
    {
        var fd = (int)syscall(Syscall.pidfd_getfd, process.Number, number, 0);
        return fd >= 0 ? new Fd(fd) : throw new SyscallException("pidfd_getfd", Errno.Last);
    }

    private static void Try(int result, string call, byte[]? name)
    {
        if (result < 0) throw new SyscallException(
            call, Errno.Last, name is null ? null : Encoding.UTF8.GetString(name).TrimEnd('\0'));
    }
}
