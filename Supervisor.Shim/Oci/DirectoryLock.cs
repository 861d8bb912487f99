using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Shim.Oci;

/// <summary>An advisory lock on a directory, gone with whoever holds it. flock(2).</summary>
internal sealed partial class DirectoryLock : IDisposable
{
    private const int LOCK_EX = 2, LOCK_NB = 4, EWOULDBLOCK = 11, EEXIST = 17, EINTR = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Fd _directory;

    private DirectoryLock(Fd directory) => _directory = directory;

    /// <returns>False when something of that name is there.</returns>
    public static bool TryMake(string path)
    {
        if (mkdir(path, 0x1c0 /* 0700 */) == 0) return true;
        var errno = Marshal.GetLastPInvokeError();
        return errno == EEXIST ? false : throw new SyscallException("mkdir", (Errno)errno, path);
    }

    /// <returns>Null when the directory is not there, or was removed by whoever held it.</returns>
    /// <exception cref="OciException">Another process holds it for longer than half a minute.</exception>
    public static DirectoryLock? TryTake(string path)
    {
        if (Fd.TryOpen(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY) is not { } directory) return null;
        var end = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        for (var pause = 1; flock(directory.Number, LOCK_EX | LOCK_NB) != 0; pause = Math.Min(pause * 2, 50))
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno is not (EWOULDBLOCK or EINTR)) throw new SyscallException("flock", (Errno)errno, path);
            if (Environment.TickCount64 >= end) throw new OciException($"{path}: another command has been working on this container for {Patience.TotalSeconds} s");
            Thread.Sleep(pause); // flock(2) has no deadline
        }
        if (Directory.Exists(path)) return new DirectoryLock(directory);
        directory.Dispose();
        return null;
    }

    public void Dispose() => _directory.Dispose();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int fd, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkdir(string path, uint mode);
}
