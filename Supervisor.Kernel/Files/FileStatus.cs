using Supervisor.Kernel.Abi;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>The type of an open file. statx(2), Linux 4.11: one layout on every machine.</summary>
internal sealed unsafe record FileStatus(uint Mode, uint DeviceMajor, uint DeviceMinor)
{
    public bool IsFifo => S_ISFIFO((ushort)Mode);

    public bool IsRegular => S_ISREG((ushort)Mode);

    public bool IsDirectory => S_ISDIR((ushort)Mode);

    public bool IsSymlink => S_ISLNK((ushort)Mode);

    /// <summary>Whether it is the character device with these numbers.</summary>
    public bool IsCharacterDevice(uint major, uint minor) =>
        S_ISCHR((ushort)Mode) && DeviceMajor == major && DeviceMinor == minor;

    /// <param name="fd">O_PATH will do.</param>
    public static FileStatus Of(Fd fd)
    {
        var status = Query(fd.Number, STATX_TYPE | STATX_MODE);
        return new FileStatus(status.stx_mode, status.stx_rdev_major, status.stx_rdev_minor);
    }

    /// <summary>
    /// Distinguishes a file from another that replaced it at its path: device, inode and ctime; empty where there is no file.
    /// </summary>
    public static string IdentityOf(string path)
    {
        statx status;
        fixed (byte* text = CString.Of(path))
            if (LibC.statx(AT_FDCWD, text, 0, (uint)(STATX_INO | STATX_CTIME), &status) != 0) return "";
        return $"{status.stx_dev_major}:{status.stx_dev_minor}:{status.stx_ino}:{status.stx_ctime.tv_sec}";
    }

    /// <summary>
    /// Whether a directory certainly has no subdirectories: each would add a link to it. cgroup file systems count them exactly.
    /// </summary>
    public static bool HasNoDirectories(string path)
    {
        statx status;
        fixed (byte* text = CString.Of(path))
            return LibC.statx(AT_FDCWD, text, 0, (uint)STATX_NLINK, &status) == 0 && status.stx_nlink == 2;
    }

    /// <summary>Size, in bytes; for a directory of procfs what proc(5) says.</summary>
    public static ulong SizeOf(Fd fd) => Query(fd.Number, STATX_SIZE).stx_size;

    /// <summary>Mode, owner and group.</summary>
    public static (uint Mode, uint Uid, uint Gid) OwnerOf(Fd fd)
    {
        var status = Query(fd.Number, STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID);
        return (status.stx_mode, status.stx_uid, status.stx_gid);
    }

    /// <summary>Whether both refer to the same file.</summary>
    public static bool SameFile(Fd one, Fd other) => Identity(one) == Identity(other);

    /// <summary>Its inode number.</summary>
    public static ulong InodeOf(Fd fd) => Identity(fd).Inode;

    /// <summary>Inode, and the file system's device. statx(2), STATX_INO.</summary>
    private static (ulong Inode, uint Major, uint Minor) Identity(Fd fd) => Identity(fd.Number);

    /// <summary>Device and inode, as text.</summary>
    public static string NumbersOf(int fd) => Identity(fd) is var (inode, major, minor) ? $"{major}:{minor}:{inode}" : "";

    private static (ulong Inode, uint Major, uint Minor) Identity(int fd)
    {
        var status = Query(fd, STATX_INO);
        return (status.stx_ino, status.stx_dev_major, status.stx_dev_minor);
    }

    private static statx Query(int fd, long mask)
    {
        statx status;
        byte empty = 0;
        return LibC.statx(fd, &empty, AT_EMPTY_PATH, (uint)mask, &status) == 0
            ? status
            : throw new SyscallException("statx", Errno.Last);
    }
}
