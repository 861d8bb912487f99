using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Users;

/// <summary>
/// Reads small files of an untrusted root filesystem: symbolic links are resolved inside it, and only regular files of at most
/// <see cref="LargestFile"/> are read (CVE-2026-47262).
/// </summary>
public sealed class RootfsFiles : IDisposable
{
    /// <summary>Most bytes of one file.</summary>
    public const int LargestFile = 1 << 20;

    private readonly string _path;
    private readonly SafeFileHandle _root;

    /// <exception cref="UnknownUserException">It is not a directory, or cannot be opened.</exception>
    public RootfsFiles(string rootfs) : this(rootfs, Open(rootfs))
    {
        if (_root.IsInvalid) throw new UnknownUserException($"--rootfs: {rootfs}: {LastError()}");
    }

    private RootfsFiles(string path, SafeFileHandle root) => (_path, _root) = (path, root);

    /// <summary>The root of a running container, with what is mounted there.</summary>
    /// <param name="container">Its id, for messages.</param>
    /// <param name="init">The pid of its init.</param>
    /// <param name="startTime">Of that process: another one may have its pid by now.</param>
    /// <exception cref="UnknownUserException">It has exited, or its root must not be opened.</exception>
    /// <remarks>That the process is still there after the root was opened shows that the root is its.</remarks>
    public static RootfsFiles OfContainer(string container, int init, ulong startTime)
    {
        var files = new RootfsFiles($"container {container}", Open($"/proc/{init}/root"));
        var (errno, why) = (Errno.Last, LastError());
        if (!files._root.IsInvalid && ProcStat.TryStartTime(init) == startTime) return files;
        files.Dispose();
        throw new UnknownUserException(
            errno is Errno.EACCES or Errno.EPERM && files._root.IsInvalid
                ? $"--user: the account files of container {container} cannot be read ({why}): be root, or use UID:GID"
                : $"--user: container {container} has exited, or is in another pid namespace: its account files cannot be read");
    }

    /// <summary>The text of a file, as UTF-8; null when there is none.</summary>
    /// <param name="path">Relative to the root filesystem.</param>
    /// <exception cref="UnknownUserException">It is not a regular file, is too large, or cannot be read.</exception>
    public unsafe string? TryRead(string path)
    {
        var how = new open_how
        {
            flags = (ulong)(O_NONBLOCK | O_NOCTTY | O_CLOEXEC), resolve = (ulong)(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS),
        };
        using var root = new HeldHandle(_root);
        int number;
        fixed (byte* text = CString.Of(path)) number = openat2(root.Number, text, &how, sizeof(open_how));
        if (number < 0)
            return Errno.Last is Errno.ENOENT or Errno.ENOTDIR
                ? null : throw new UnknownUserException($"{_path}: {path}: {LastError()}");
        using var file = new SafeFileHandle(number, ownsHandle: true);
        if (FileKind.Of(file) is not FileKind.Regular) throw new UnknownUserException($"{_path}: {path}: is not a regular file");
        var buffer = new byte[LargestFile + 1];
        var length = 0;
        while (length < buffer.Length && RandomAccess.Read(file, buffer.AsSpan(length), length) is > 0 and var read)
            length += read;
        return length <= LargestFile
            ? Encoding.UTF8.GetString(buffer, 0, length)
            : throw new UnknownUserException($"{_path}: {path}: is larger than {LargestFile} bytes");
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    private static unsafe SafeFileHandle Open(string directory)
    {
        fixed (byte* text = CString.Of(directory))
            return new SafeFileHandle(open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK, 0), ownsHandle: true);
    }

    private static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
}
