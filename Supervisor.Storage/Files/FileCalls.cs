using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Storage.Files;

/// <summary>
/// System calls on nodes named by an open directory and one name in it. No call here follows a symlink in its last component.
/// Names are raw (<see cref="RawName"/>).
/// </summary>
public static unsafe class FileCalls
{
    /// <summary>openat2(2), Linux 5.6.</summary>
    /// <returns>Null for ENOENT, ENOTDIR, ELOOP and EXDEV: there is no such node beneath that directory.</returns>
    public static Fd? TryOpen(Fd directory, string path, OpenFlags flags, ResolveFlags resolve, uint mode = 0)
    {
        var how = new open_how
        {
            flags = (ulong)(flags | OpenFlags.O_CLOEXEC).ToKernel(), mode = mode,
            resolve = (ulong)(resolve | ResolveFlags.RESOLVE_NO_MAGICLINKS),
        };
        fixed (byte* name = RawName.ToBytes(path.Length == 0 ? "." : path))
        {
            while (true)
            {
                var fd = openat2(directory.Number, name, &how, sizeof(open_how));
                if (fd >= 0) return new Fd(fd);
                if (Errno.Last is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.EXDEV) return null;
                // EAGAIN: a rename raced with ".."
                if (Errno.Last is not (Errno.EINTR or Errno.EAGAIN)) throw Failed("openat2", path);
            }
        }
    }

    /// <summary>Opens one name in a directory: a symlink is not followed, a mount not entered.</summary>
    public static Fd? TryOpenChild(Fd directory, string name, OpenFlags flags, uint mode = 0) =>
        TryOpen(directory, name, flags | OpenFlags.O_NOFOLLOW, ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_SYMLINKS,
            mode);

    /// <summary>Opens a regular file for reading; null for anything else, which is never opened: it could block, or be a
    /// device.</summary>
    public static Fd? TryOpenFile(Fd directory, string name)
    {
        using var node = TryOpenChild(directory, name, OpenFlags.O_PATH);
        return node is not null && Status(node).Kind is NodeKind.File ? Reopen(node) : null;
    }

    /// <summary>Opens the file that a descriptor of a regular file's name (O_PATH) refers to, whatever has its name by
    /// now.</summary>
    public static Fd Reopen(Fd node) => Fd.Open($"/proc/self/fd/{node.Number}", OpenFlags.O_RDONLY | OpenFlags.O_NOCTTY);

    extension(Fd file)
    {
        /// <summary>Reads until the buffer is full or the file ends.</summary>
        internal int Fill(Span<byte> buffer)
        {
            var filled = 0;
            while (filled < buffer.Length && file.TryRead(buffer[filled..]) is > 0 and var got) filled += got;
            return filled;
        }
    }

    /// <summary>Opens a directory for listing.</summary>
    public static Fd? TryOpenDirectory(Fd directory, string name) => TryOpenChild(directory, name, OpenFlags.O_DIRECTORY);

    /// <summary>statx(2).</summary>
    /// <returns>Null if there is none of this name.</returns>
    public static NodeStatus? TryStatus(Fd directory, string name)
    {
        statx s;
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (LibC.statx(directory.Number, n, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, (uint)STATX_BASIC_STATS, &s) != 0)
                return Errno.Last is Errno.ENOENT or Errno.ENOTDIR ? null : throw Failed("statx", name);
        }
        return new NodeStatus(
            (NodeKind)(s.stx_mode & 0xf000u), s.stx_mode & 0xfffu, s.stx_uid, s.stx_gid, (long)s.stx_size, (long)s.stx_blocks,
            s.stx_nlink, s.stx_ino, s.stx_dev_major, s.stx_dev_minor, s.stx_rdev_major, s.stx_rdev_minor,
            new FileTime(s.stx_mtime.tv_sec, (int)s.stx_mtime.tv_nsec));
    }

    /// <summary>As above, of an open node.</summary>
    public static NodeStatus Status(Fd fd) => TryStatus(fd, "")!.Value;

    /// <summary>mkdirat(2). Whether it is new: false for EEXIST.</summary>
    public static bool MakeDirectory(Fd directory, string name, uint mode)
    {
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (mkdirat(directory.Number, n, (ushort)mode) == 0) return true;
            return Errno.Last is Errno.EEXIST ? false : throw Failed("mkdirat", name);
        }
    }

    /// <summary>mknodat(2): a FIFO, a device, a socket.</summary>
    public static void MakeNode(Fd directory, string name, NodeKind kind, uint mode, uint major = 0, uint minor = 0)
    {
        var device = ((ulong)(major & 0xfffff000) << 32) | ((ulong)(major & 0xfff) << 8) | ((ulong)(minor & 0xffffff00) << 12) | (
            minor & 0xff);
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (mknodat(directory.Number, n, (ushort)((uint)kind | mode), device) != 0) throw Failed("mknodat", name);
        }
    }

    /// <summary>symlinkat(2).</summary>
    public static void MakeSymlink(string target, Fd directory, string name)
    {
        fixed (byte* t = RawName.ToBytes(target))
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (symlinkat(t, directory.Number, n) != 0) throw Failed("symlinkat", name);
        }
    }

    /// <summary>linkat(2): the target itself, also when it is a symlink.</summary>
    /// <returns>False if there is no such target.</returns>
    public static bool TryLink(Fd targetDirectory, string target, Fd directory, string name)
    {
        fixed (byte* t = RawName.ToBytes(target))
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (linkat(targetDirectory.Number, t, directory.Number, n, 0) == 0) return true;
            return Errno.Last is Errno.ENOENT ? false : throw Failed("linkat", name);
        }
    }

    /// <summary>readlinkat(2), whole.</summary>
    public static string ReadLink(Fd directory, string name)
    {
        var buffer = new byte[4096]; // PATH_MAX: the kernel creates none longer
        fixed (byte* n = RawName.ToBytes(name))
        fixed (byte* b = buffer)
        {
            var length = (int)readlinkat(directory.Number, n, b, buffer.Length);
            return length >= 0 ? System.Text.Encoding.Latin1.GetString(buffer, 0, length) : throw Failed("readlinkat", name);
        }
    }

    /// <summary>unlinkat(2).</summary>
    /// <returns>False for a directory that is not empty, or (without <paramref name="directory"/>) for any directory.</returns>
    public static bool TryUnlink(Fd parent, string name, bool directory)
    {
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (unlinkat(parent.Number, n, directory ? AT_REMOVEDIR : 0) == 0) return true;
            return Errno.Last switch
            {
                Errno.ENOENT => true,
                Errno.EISDIR or Errno.ENOTEMPTY or Errno.EEXIST => false,
                _ => throw Failed("unlinkat", name),
            };
        }
    }

    /// <summary>renameat(2).</summary>
    public static void Rename(Fd from, string name, Fd to, string newName)
    {
        fixed (byte* a = RawName.ToBytes(name))
        fixed (byte* b = RawName.ToBytes(newName))
        {
            if (Native.renameat(from.Number, a, to.Number, b) != 0) throw Failed("renameat", name);
        }
    }

    /// <summary>fchownat(2).</summary>
    public static void ChangeOwner(Fd directory, string name, uint uid, uint gid)
    {
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (fchownat(directory.Number, n, uid, gid, AT_SYMLINK_NOFOLLOW) != 0) throw Failed("fchownat", name);
        }
    }

    /// <summary>Permission bits, of anything but a symlink.</summary>
    public static void ChangeMode(Fd directory, string name, uint mode)
    {
        // fchmodat(2) follows symlinks; a descriptor of the node itself has none left to follow.
        using var node = TryOpenChild(directory, name, OpenFlags.O_PATH)
            ?? throw new SyscallException("openat2", Errno.ENOENT, RawName.ToText(name));
        fixed (byte* n = RawName.ToBytes($"/proc/self/fd/{node.Number}"))
        {
            if (chmod(n, (ushort)mode) != 0) throw Failed("chmod", name);
        }
    }

    /// <summary>utimensat(2): the time of modification, and the same as time of access.</summary>
    public static void ChangeTime(Fd directory, string name, FileTime time)
    {
        var modified = new timespec { tv_sec = time.Seconds, tv_nsec = time.Nanoseconds };
        var times = stackalloc timespec[2] { modified, modified };
        fixed (byte* n = RawName.ToBytes(name))
        {
            if (utimensat(directory.Number, n, times, AT_SYMLINK_NOFOLLOW) != 0) throw Failed("utimensat", name);
        }
    }

    /// <summary>The names in a directory, in the order of their bytes, without <c>.</c> and <c>..</c>. getdents64(2).</summary>
    public static List<string> List(Fd directory)
    {
        var names = new List<string>();
        var buffer = new byte[64 * 1024];
        fixed (byte* b = buffer)
        {
            while (true)
            {
                var length = (int)Native.getdents64(directory.Number, b, (nuint)buffer.Length);
                if (length < 0) throw Failed("getdents64", "");
                if (length == 0) break;
                for (var at = 0; at < length; at += *(ushort*)(b + at + 16))
                {
                    var name = System.Text.Encoding.Latin1.GetString(
                        MemoryMarshal.CreateReadOnlySpanFromNullTerminated(b + at + 19));
                    if (name is not ("." or "..")) names.Add(name);
                }
            }
        }
        names.Sort(string.CompareOrdinal);
        return names;
    }

    /// <summary>Makes a rename in it survive a power loss. fsync(2).</summary>
    public static void SyncDirectory(string path)
    {
        using var directory = Fd.Open(path, OpenFlags.O_DIRECTORY);
        if (fsync(directory.Number) != 0) throw Failed("fsync", RawName.Of(path));
    }

    /// <summary>Syncs its whole filesystem. syncfs(2).</summary>
    public static void SyncFilesystem(Fd fd)
    {
        if (syncfs(fd.Number) != 0) throw Failed("syncfs", "");
    }

    internal static SyscallException Failed(string call, string name) => new(call, Errno.Last, RawName.ToText(name));
}
