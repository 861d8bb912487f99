using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Supervisor.Host.Hosting;

namespace Supervisor.Host.Cli.Users;

/// <summary>
/// Reads small files of a root filesystem that its author controls: symbolic links stay inside it, nothing but a
/// regular file is read, and not more than <see cref="LargestFile"/> of it (CVE-2026-47262).
/// </summary>
internal sealed partial class RootfsFiles : IDisposable
{
    /// <summary>Bytes of one file.</summary>
    public const int LargestFile = 1 << 20;

    private const long SYS_openat2 = 437; // asm-generic/unistd.h: one number on x86-64 and arm64
    private const int ENOENT = 2, ENOTDIR = 20;
    private const ulong O_NONBLOCK = 0x800, O_NOCTTY = 0x100, O_CLOEXEC = 0x80000; // the same on x86-64 and arm64
    private const ulong RESOLVE_NO_MAGICLINKS = 0x02, RESOLVE_IN_ROOT = 0x10;       // openat2(2), Linux 5.6

    private readonly string _path;
    private readonly SafeFileHandle _root;

    /// <exception cref="CliException">It is no directory, or cannot be opened.</exception>
    public RootfsFiles(string rootfs)
    {
        const int O_RDONLY = 0;
        _path = rootfs;
        _root = new SafeFileHandle(open(rootfs, O_RDONLY | (int)O_CLOEXEC | (int)O_NONBLOCK), ownsHandle: true);
        if (_root.IsInvalid) throw new CliException($"--rootfs: {rootfs}: {LastError()}");
    }

    /// <summary>The text of a file, as UTF-8; null when there is none.</summary>
    /// <param name="path">Relative to the root filesystem.</param>
    /// <exception cref="CliException">It is no regular file, is too large, or cannot be read.</exception>
    public unsafe string? TryRead(string path)
    {
        // SAFETY: struct open_how is three u64; the kernel is told its size.
        var how = stackalloc ulong[3] { O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        var number = openat2(SYS_openat2, _root, path, how, sizeof(ulong) * 3);
        if (number < 0)
            return Marshal.GetLastPInvokeError() is ENOENT or ENOTDIR ? null : throw new CliException($"{_path}: {path}: {LastError()}");
        using var file = new SafeFileHandle((nint)number, ownsHandle: true);
        if (FileKind.Of(file) is not FileKind.Regular) throw new CliException($"{_path}: {path}: is no regular file");
        var buffer = new byte[LargestFile + 1];
        var length = 0;
        while (length < buffer.Length && RandomAccess.Read(file, buffer.AsSpan(length), length) is > 0 and var read) length += read;
        return length <= LargestFile
            ? Encoding.UTF8.GetString(buffer, 0, length)
            : throw new CliException($"{_path}: {path}: is larger than {LargestFile} bytes");
    }

    public void Dispose() => _root.Dispose();

    private static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial long openat2(long number, SafeFileHandle directory, string path, ulong* how, nint size);
}
