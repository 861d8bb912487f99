using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Cli.Stdio;

/// <summary>Named pipes, as fifo(7) has them and .NET does not.</summary>
internal static unsafe class Fifo
{
    /// <summary>Creates one that only its owner may open.</summary>
    public static void Create(string path)
    {
        fixed (byte* text = CString.Of(path))
            if (mkfifo(text, 0x180 /* 0600 */) != 0) throw Failed("mkfifo", path);
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
        int number;
        fixed (byte* text = CString.Of(path)) number = open(text, flags | O_NONBLOCK | O_CLOEXEC, 0);
        if (number < 0) throw Failed("open", path);
        var file = new SafeFileHandle(number, ownsHandle: true);
        return fcntl(number, F_SETFL, 0) == 0 ? file : throw Failed("fcntl(F_SETFL)", path);
    }

    private static IOException Failed(string call, string path) =>
        new($"{call} \"{path}\": {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
}
