using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>An advisory lock on a directory, released when its holder exits. flock(2).</summary>
internal sealed class DirectoryLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Fd _directory;

    private DirectoryLock(Fd directory) => _directory = directory;

    /// <returns>False when the name exists.</returns>
    public static unsafe bool TryMake(string path)
    {
        fixed (byte* text = CString.Of(path))
            if (mkdir(text, 0x1c0 /* 0700 */) == 0) return true;
        return Errno.Last is Errno.EEXIST ? false : throw new SyscallException("mkdir", Errno.Last, path);
    }

    /// <returns>Null when the directory does not exist, or the holder removed it.</returns>
    /// <exception cref="OciException">Another process holds it for longer than half a minute.</exception>
    public static DirectoryLock? TryTake(string path)
    {
        if (Fd.TryOpen(path, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY) is not { } directory) return null;
        var end = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        for (var pause = 1; Native.flock(directory.Number, Native.LOCK_EX | Native.LOCK_NB) != 0; pause = Math.Min(pause * 2, 50))
        {
            if (Errno.Last is not (Errno.EAGAIN or Errno.EINTR)) throw new SyscallException("flock", Errno.Last, path);
            if (Environment.TickCount64 >= end)
                throw new OciException(
                $"{path}: another command has held its lock for {Patience.TotalSeconds} s");
            Thread.Sleep(pause); // flock(2) has no deadline
        }
        if (Directory.Exists(path)) return new DirectoryLock(directory);
        directory.Dispose();
        return null;
    }

    public void Dispose() => _directory.Dispose();
}
