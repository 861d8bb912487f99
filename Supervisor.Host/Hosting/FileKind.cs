using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Supervisor.Host.Hosting;

/// <summary>What a path names, without following a symbolic link: .NET tells links and directories apart, but no sockets and FIFOs.</summary>
internal static partial class FileKind
{
    /// <summary><c>S_IFSOCK</c>, inode(7).</summary>
    public const int Socket = 0xC000;

    /// <summary><c>S_IFREG</c>.</summary>
    public const int Regular = 0x8000;

    private const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000, STATX_TYPE = 1, TypeBits = 0xF000, StatxSize = 256;

    /// <summary>The type bits of the mode; null when nothing is there or it cannot be reached.</summary>
    public static unsafe int? Of(string path)
    {
        var buffer = stackalloc byte[StatxSize];
        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, buffer) == 0 ? Kind(buffer) : null;
    }

    /// <summary>As <see cref="Of(string)"/>, of an open file.</summary>
    public static unsafe int? Of(SafeFileHandle file)
    {
        var buffer = stackalloc byte[StatxSize];
        return statx((int)file.DangerousGetHandle(), "", AT_EMPTY_PATH, STATX_TYPE, buffer) == 0 ? Kind(buffer) : null;
    }

    // SAFETY: struct statx is 256 bytes on every architecture, stx_mode is the u16 at 28. statx(2), Linux 4.11.
    private static unsafe int Kind(byte* statx) => *(ushort*)(statx + 28) & TypeBits;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int statx(int directory, string path, int flags, uint mask, byte* buffer);
}
