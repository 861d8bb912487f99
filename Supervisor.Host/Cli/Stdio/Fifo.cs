using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Supervisor.Host.Cli.Stdio;

/// <summary>Named pipes, as fifo(7) has them and .NET does not.</summary>
internal static partial class Fifo
{
    private const int O_RDONLY = 0, O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000; // the same on x86-64 and arm64
    private const int F_SETFL = 4;

    /// <summary>Makes one that only its owner may open.</summary>
    public static void Create(string path)
    {
        if (mkfifo(path, 0x180 /* 0600 */) != 0) throw Failed("mkfifo", path);
    }

    /// <summary>The reading end; does not wait for a writer, and reads block afterwards.</summary>
    public static SafeFileHandle OpenForReading(string path) => Open(path, O_RDONLY);

    /// <summary>
    /// The writing end. Opened for both: a FIFO without a reader cannot be opened for writing without waiting
    /// (ENXIO), and what is written before the daemon opens its end is kept for it.
    /// </summary>
    public static SafeFileHandle OpenForWriting(string path) => Open(path, O_RDWR);

    private static SafeFileHandle Open(string path, int flags)
    {
        // An int on purpose: a SafeHandle would be made of all 64 bits of the register, and take -1 for a descriptor.
        var file = new SafeFileHandle(open(path, flags | O_NONBLOCK | O_CLOEXEC), ownsHandle: true);
        if (file.IsInvalid || fcntl(file, F_SETFL, 0) != 0) throw Failed("open", path);
        return file;
    }

    private static IOException Failed(string call, string path) =>
        new($"{call} \"{path}\": {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle file, int command, int argument);
}
