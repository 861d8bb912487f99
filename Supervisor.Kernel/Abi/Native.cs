using System.Runtime.InteropServices;
using Tmds.Linux;

namespace Supervisor.Kernel.Abi;

/// <summary>
/// Functions of the C library that Tmds.LibC lacks or declares unusably (decision 0080); everything else is called through
/// <see cref="LibC"/>, and system calls without a function through its <c>syscall</c> with a number of <see cref="Syscall"/>.
/// </summary>
public static unsafe partial class Native
{
    // The name that Tmds.LibC uses: the dynamic loader resolves it at once, while "libc" costs a search that fails first.
    private const string Library = "libc.so.6";

#pragma warning disable CS1591 // The C library's own names; each has a manual page.
#pragma warning disable CA1401 // Storage and the daemon call them as well.
    /// <summary>flock(2): exclusive, without waiting, release.</summary>
    public const int LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8;

    /// <summary>lseek(2).</summary>
    public const int SEEK_DATA = 3, SEEK_HOLE = 4;

    /// <remarks>Tmds.LibC declares it without SetLastError, so EINTR would look like any other error.</remarks>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int poll(pollfd* entries, nuint count, int milliseconds);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int flock(int fd, int operation);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int renameat(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint getdents64(int fd, byte* buffer, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint copy_file_range(int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint llistxattr(byte* path, byte* list, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint lgetxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int lsetxattr(byte* path, byte* name, byte* value, nuint size, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint flistxattr(int fd, byte* list, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint fgetxattr(int fd, byte* name, byte* value, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fsetxattr(int fd, byte* name, byte* value, nuint size, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial uint if_nametoindex(byte* name);

    [LibraryImport(Library)]
    public static partial void cfmakeraw(termios* settings);
#pragma warning restore CA1401, CS1591
}
