using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Supervisor.Host.Cli.Stdio;

/// <summary>read(2) and write(2) on descriptors that may be anything.</summary>
/// <remarks>FileStream insists on knowing what they are, and Console on editing lines.</remarks>
internal static partial class RawIo
{
    private const int EINTR = 4, EAGAIN = 11;
    private const short POLLIN = 1, POLLOUT = 4;

    /// <summary>Bytes read; 0 at the end, and also on an error: there is nothing more to be had then either.</summary>
    public static int Read(SafeFileHandle file, Span<byte> buffer)
    {
        while (true)
        {
            var length = read(file, buffer, (nuint)buffer.Length);
            if (length >= 0) return (int)length;
            if (!TryAgain(file, POLLIN)) return 0;
        }
    }

    /// <summary>False when nobody takes it: the reader is gone.</summary>
    public static bool WriteAll(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var length = write(file, bytes, (nuint)bytes.Length);
            if (length >= 0) bytes = bytes[(int)length..];
            else if (!TryAgain(file, POLLOUT)) return false;
        }
        return true;
    }

    /// <summary>A terminal shared with other programs may have been made non-blocking by one of them.</summary>
    private static bool TryAgain(SafeFileHandle file, short events)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error == EINTR) return true;
        if (error != EAGAIN) return false;
        var wanted = new PollFd { Fd = (int)file.DangerousGetHandle(), Events = events };
        poll(ref wanted, 1, -1);
        return true;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle fd, Span<byte> buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle fd, ReadOnlySpan<byte> buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref PollFd fds, nuint count, int timeout);
}
