using System.Text;
using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>
/// Our standard streams, by write(2): the Console class costs a short-lived program a millisecond and a thread.
/// </summary>
internal static unsafe class Streams
{
    public static void Write(string text) => Write(1, Encoding.UTF8.GetBytes(text));

    public static void Write(ReadOnlySpan<byte> bytes) => Write(1, bytes);

    public static void WriteError(string text) => Write(2, Encoding.UTF8.GetBytes(text));

    /// <summary>A closed reader is no error.</summary>
    private static void Write(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            long written;
            fixed (byte* start = bytes) written = write(fd, start, bytes.Length);
            if (written >= 0) bytes = bytes[(int)written..];
            else if (Errno.Last is not Errno.EINTR) return;
        }
    }
}
