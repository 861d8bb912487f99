using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>
/// The kind of file at a path, symbolic links not followed: .NET recognizes links and directories, but not sockets and FIFOs.
/// </summary>
public static unsafe class FileKind
{
    /// <summary><c>S_IFSOCK</c>, inode(7).</summary>
    public const int Socket = 0xC000;

    /// <summary><c>S_IFREG</c>.</summary>
    public const int Regular = 0x8000;

    private const int TypeBits = 0xF000; // S_IFMT

    /// <summary>The type bits of the mode; null if there is no file or it cannot be reached.</summary>
    public static int? Of(string path) => Of(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);

    /// <summary>As <see cref="Of(string)"/>, of an open file.</summary>
    public static int? Of(SafeFileHandle file)
    {
        using var held = new HeldHandle(file);
        return Of(held.Number, "", AT_EMPTY_PATH);
    }

    private static int? Of(int directory, string path, int flags)
    {
        statx status;
        fixed (byte* text = CString.Of(path))
            return LibC.statx(directory, text, flags, (uint)STATX_TYPE, &status) == 0 ? status.stx_mode & TypeBits : null;
    }
}
