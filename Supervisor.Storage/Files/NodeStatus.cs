namespace Supervisor.Storage.Files;

/// <summary>Kinds of nodes in a tree. S_IFMT of inode(7).</summary>
public enum NodeKind : uint
{
#pragma warning disable CS1591 // inode(7)
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    File = 0x8000,
    Symlink = 0xa000,
    Socket = 0xc000,
#pragma warning restore CS1591
}

/// <summary>The statx(2) result of a node, symlinks not followed.</summary>
/// <param name="Mode">Permission bits with set-id and sticky, 07777.</param>
/// <param name="Blocks">Of 512 bytes.</param>
public readonly record struct NodeStatus(
    NodeKind Kind, uint Mode, uint Uid, uint Gid, long Size, long Blocks, uint Links, ulong Inode, uint DeviceMajor,
    uint DeviceMinor,
    uint NodeMajor, uint NodeMinor, FileTime Modified)
{
    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => Kind is NodeKind.Directory;

    /// <summary>overlayfs's whiteout: a character device 0:0.</summary>
    public bool IsWhiteout => Kind is NodeKind.CharacterDevice && NodeMajor == 0 && NodeMinor == 0;
}

/// <summary>Seconds since 1970 and nanoseconds.</summary>
public readonly record struct FileTime(long Seconds, int Nanoseconds);
