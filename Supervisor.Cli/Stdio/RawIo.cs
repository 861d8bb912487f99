using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Cli.Stdio;

/// <summary>read(2) and write(2) on descriptors that may be anything.</summary>
/// <remarks>FileStream needs to know the kind of file, and Console edits lines.</remarks>
internal static unsafe class RawIo
{
    /// <summary>Bytes read; 0 at the end, and also on an error, after which nothing can be read.</summary>
    public static int Read(SafeFileHandle file, Span<byte> buffer)
    {
        using var held = new HeldHandle(file);
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var length = (int)read(held.Number, start, buffer.Length);
                if (length >= 0) return length;
                if (!TryAgain(held.Number, POLLIN)) return 0;
            }
        }
    }

    /// <summary><see cref="Errno.None"/>, or why not all of it could be written.</summary>
    public static Errno WriteAll(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        using var held = new HeldHandle(file);
        while (!bytes.IsEmpty)
        {
            int length;
            fixed (byte* start = bytes) length = (int)write(held.Number, start, bytes.Length);
            if (length >= 0) bytes = bytes[length..];
            else if (Errno.Last is var errno && !TryAgain(held.Number, POLLOUT)) return errno;
        }
        return Errno.None;
    }

    /// <summary>Whether there is something to read now. poll(2).</summary>
    public static bool HasInput(SafeFileHandle file)
    {
        using var held = new HeldHandle(file);
        return Poll(held.Number, POLLIN, timeout: 0);
    }

    /// <summary>Waits until there is something to read, or the end.</summary>
    public static void WaitForInput(SafeFileHandle file)
    {
        using var held = new HeldHandle(file);
        Poll(held.Number, POLLIN, timeout: -1);
    }

    /// <summary>A terminal shared with other programs may have been made non-blocking by one of them.</summary>
    private static bool TryAgain(int fd, short events)
    {
        if (Errno.Last is Errno.EINTR) return true;
        if (Errno.Last is not Errno.EAGAIN) return false;
        Poll(fd, events, timeout: -1); // on EINTR the call is retried anyway
        return true;
    }

    private static bool Poll(int fd, short events, int timeout)
    {
        var wanted = new pollfd { fd = fd, events = events };
        return Native.poll(&wanted, 1, timeout) > 0 && (wanted.revents & events) != 0;
    }
}
