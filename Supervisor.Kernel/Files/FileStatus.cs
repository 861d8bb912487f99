using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>What an open descriptor stands for. statx(2), Linux 4.11: one layout on every machine.</summary>
internal sealed unsafe partial record FileStatus(uint Mode, uint DeviceMajor, uint DeviceMinor)
{
    private const uint S_IFMT = 0xf000, S_IFIFO = 0x1000, S_IFCHR = 0x2000, S_IFREG = 0x8000;

    public bool IsFifo => (Mode & S_IFMT) == S_IFIFO;

    public bool IsRegular => (Mode & S_IFMT) == S_IFREG;

    /// <summary>Whether it is this character device.</summary>
    public bool IsCharacterDevice(uint major, uint minor) => (Mode & S_IFMT) == S_IFCHR && DeviceMajor == major && DeviceMinor == minor;

    /// <param name="fd">O_PATH will do.</param>
    public static FileStatus Of(Fd fd)
    {
        const uint STATX_TYPE_AND_MODE = 3;
        var buffer = stackalloc byte[256];
        if (statx(fd.Number, "", At.EMPTY_PATH, STATX_TYPE_AND_MODE, buffer) != 0) throw new SyscallException("statx", Errno.Last);
        return new FileStatus(*(ushort*)(buffer + 28), *(uint*)(buffer + 128), *(uint*)(buffer + 132));
    }

    /// <summary>Tells one file from another that has taken its path: device, inode and time of change; empty where there is none.</summary>
    public static string IdentityOf(string path)
    {
        const uint STATX_INO_CTIME = 0x100 | 0x80;
        var buffer = stackalloc byte[256];
        return statx(At.FDCWD, path, 0, STATX_INO_CTIME, buffer) != 0
            ? ""
            : $"{*(uint*)(buffer + 136)}:{*(uint*)(buffer + 140)}:{*(ulong*)(buffer + 32)}:{*(long*)(buffer + 96)}";
    }

    /// <summary>Mode, owner and group.</summary>
    public static (uint Mode, uint Uid, uint Gid) OwnerOf(Fd fd)
    {
        const uint STATX_BASIC = 0x1f;
        var buffer = stackalloc byte[256];
        if (statx(fd.Number, "", At.EMPTY_PATH, STATX_BASIC, buffer) != 0) throw new SyscallException("statx", Errno.Last);
        return (*(ushort*)(buffer + 28), *(uint*)(buffer + 20), *(uint*)(buffer + 24));
    }

    /// <summary>Whether both stand for the same file.</summary>
    public static bool SameFile(Fd one, Fd other) => Identity(one) == Identity(other);

    /// <summary>Its number in its file system.</summary>
    public static ulong InodeOf(Fd fd) => Identity(fd).Inode;

    /// <summary>Inode, and the file system's device. statx(2), STATX_INO.</summary>
    private static (ulong Inode, uint Major, uint Minor) Identity(Fd fd) => Identity(fd.Number);

    /// <summary>Device and inode, in words.</summary>
    public static string NumbersOf(int fd) => Identity(fd) is var (inode, major, minor) ? $"{major}:{minor}:{inode}" : "";

    private static (ulong Inode, uint Major, uint Minor) Identity(int fd)
    {
        const uint STATX_INO = 0x100;
        var buffer = stackalloc byte[256];
        if (statx(fd, "", At.EMPTY_PATH, STATX_INO, buffer) != 0) throw new SyscallException("statx", Errno.Last);
        return (*(ulong*)(buffer + 32), *(uint*)(buffer + 136), *(uint*)(buffer + 140));
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, byte* buffer);
}
