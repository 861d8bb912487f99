using System.Text;
using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>
/// Texts that the kernel generates on read: proc(5), sysfs(5), cgroups(7). Only open, read and close, without the locks and
/// buffers that the library uses for files on a disk.
/// </summary>
internal static unsafe class KernelFile
{
    private const int Longest = 64 << 20; // cgroup.procs of 4,194,304 processes (PID_MAX_LIMIT) has 32 MiB

    /// <exception cref="SyscallException">It does not exist, or cannot be read; ESRCH where it belonged to a process that has
    /// exited.</exception>
    public static string Read(string path)
    {
        using var fd = Fd.Open(path, OpenFlags.O_RDONLY);
        return ReadAll(fd, path);
    }

    /// <summary>A text that is one value, in one read unless it is very long; without spaces around it.</summary>
    /// <exception cref="SyscallException">It cannot be read.</exception>
    public static string ReadValue(Fd fd, string path) => ReadValue(fd, path, again: false);

    /// <summary>As <see cref="ReadValue(Fd, string)"/>, from the beginning of a file that stays open.</summary>
    public static string ReadValueAgain(Fd fd, string path) => ReadValue(fd, path, again: true);

    private static string ReadValue(Fd fd, string path, bool again)
    {
        Span<byte> buffer = stackalloc byte[256];
        using (var held = new HeldHandle(fd))
            fixed (byte* start = buffer)
            {
                while (true)
                {
                    var got = again ? pread(held.Number, start, buffer.Length, 0) : read(held.Number, start, buffer.Length);
                    if (got >= 0 && got < buffer.Length) return Encoding.UTF8.GetString(buffer[..(int)got]).Trim();
                    if (got < 0 && Errno.Last is not Errno.EINTR) throw new SyscallException("read", Errno.Last, path);
                    if (got == buffer.Length) break;
                }
            }
        if (lseek(fd.Number, 0, SEEK_SET) < 0) throw new SyscallException("lseek", Errno.Last, path);
        return ReadAll(fd, path).Trim();
    }

    /// <summary>The text from the file's current position to its end.</summary>
    /// <exception cref="SyscallException">It cannot be read, or is longer than any kernel text (EFBIG).</exception>
    public static string ReadAll(Fd fd, string path)
    {
        Span<byte> buffer = stackalloc byte[4096];
        using var held = new HeldHandle(fd);
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                if (length >= Longest) throw new SyscallException("read", Errno.EFBIG, path);
                var larger = new byte[length * 2];
                buffer.CopyTo(larger);
                buffer = larger;
            }
            long got;
            fixed (byte* free = buffer[length..]) got = read(held.Number, free, buffer.Length - length);
            if (got == 0) return Encoding.UTF8.GetString(buffer[..length]);
            if (got > 0) length += (int)got;
            else if (Errno.Last is not Errno.EINTR) throw new SyscallException("read", Errno.Last, path);
        }
    }
}
