using System.Runtime.InteropServices;
using System.Text;

namespace Supervisor.Shim.Oci;

/// <summary>Our standard streams, by write(2): the Console class costs a short-lived program a millisecond and a thread.</summary>
internal static unsafe partial class Streams
{
    public static void Write(string text) => Write(1, Encoding.UTF8.GetBytes(text));

    public static void Write(ReadOnlySpan<byte> bytes) => Write(1, bytes);

    public static void WriteError(string text) => Write(2, Encoding.UTF8.GetBytes(text));

    /// <summary>A reader that is gone is no error of ours.</summary>
    private static void Write(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written;
            fixed (byte* start = bytes) written = write(fd, start, (nuint)bytes.Length);
            if (written >= 0) bytes = bytes[(int)written..];
            else if (Marshal.GetLastPInvokeError() != EINTR) return;
        }
    }

    private const int EINTR = 4;

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, byte* bytes, nuint count);
}
