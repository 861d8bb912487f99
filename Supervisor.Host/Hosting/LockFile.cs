using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Supervisor.Host.Hosting;

/// <summary>Held while a daemon lives; the kernel lets go of it whatever way the daemon ends. flock(2).</summary>
internal sealed partial class LockFile : IDisposable
{
    private const int LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8;
    private const int O_RDWR = 2, O_CREAT = 0x40, O_CLOEXEC = 0x80000; // the same on x86-64 and arm64
    private const uint OwnerOnly = 0x180;                               // 0600

    private readonly SafeFileHandle _file;

    private LockFile(SafeFileHandle file) => _file = file;

    /// <exception cref="DaemonStartException">Somebody holds it; <paramref name="shared"/> says what two daemons would have shared.</exception>
    public static LockFile Take(string path, string shared)
    {
        // Not File.OpenHandle: it emulates sharing with a flock of its own, which would meet this one.
        var file = new SafeFileHandle(open(path, O_RDWR | O_CREAT | O_CLOEXEC, OwnerOnly), ownsHandle: true);
        if (file.IsInvalid)
            throw new DaemonStartException($"{path}: open: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        if (flock(file, LOCK_EX | LOCK_NB) == 0) return new LockFile(file);
        file.Dispose();
        throw new DaemonStartException($"{path}: is locked: another daemon uses {shared}; stop it, or give this one another");
    }

    /// <remarks>Unlocked by word, not by closing alone: a child just being born may still hold a copy of the descriptor.</remarks>
    public void Dispose()
    {
        _ = flock(_file, LOCK_UN);
        _file.Dispose();
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle fd, int operation);
}
