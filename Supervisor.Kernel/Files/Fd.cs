using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>An open file descriptor that closes itself once. Always close-on-exec.</summary>
public sealed unsafe class Fd : SafeHandleMinusOneIsInvalid
{
    /// <summary>Takes ownership of <paramref name="number"/>.</summary>
    public Fd(int number) : base(ownsHandle: true) => SetHandle(number);

    /// <summary>The number, for a system call made while this object is alive.</summary>
    public int Number => (int)handle;

    /// <summary>openat(2) relative to the working directory, with <c>O_CLOEXEC</c> added.</summary>
    /// <param name="path">What to open.</param>
    /// <param name="flags"><c>O_*</c> of <see cref="OpenFlags"/>.</param>
    /// <param name="mode">Permission bits of a file that this call creates.</param>
    /// <exception cref="SyscallException">Any errno but EINTR, which is retried.</exception>
    public static Fd Open(string path, OpenFlags flags, uint mode = 0)
    {
        fixed (byte* text = CString.Of(path))
        {
            while (true)
            {
                var fd = open(text, (flags | OpenFlags.O_CLOEXEC).ToKernel(), (ushort)mode);
                if (fd >= 0) return new Fd(fd);
                if (Errno.Last is not Errno.EINTR) throw new SyscallException("open", Errno.Last, path);
            }
        }
    }

    /// <summary>As <see cref="Open"/>, with null for a path that does not exist (ENOENT).</summary>
    public static Fd? TryOpen(string path, OpenFlags flags)
    {
        try { return Open(path, flags); }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT) { return null; }
    }

    /// <summary>A second descriptor of the same open file. fcntl(2), <c>F_DUPFD_CLOEXEC</c>.</summary>
    public Fd Duplicate() => DuplicateOf(Number);

    /// <summary>A duplicate of a descriptor that we do not own, such as a standard stream.</summary>
    /// <param name="number">The descriptor to duplicate.</param>
    /// <param name="least">The lowest number that the duplicate may get.</param>
    public static Fd DuplicateOf(int number, int least = 3)
    {
        var copy = fcntl(number, F_DUPFD_CLOEXEC, least);
        return copy >= 0 ? new Fd(copy)
            : throw new SyscallException("fcntl(F_DUPFD_CLOEXEC)", Errno.Last, $"descriptor {number}");
    }

    /// <summary>Writes all of <paramref name="bytes"/>. write(2).</summary>
    /// <exception cref="SyscallException">Any errno but EINTR; EAGAIN too, where the file is non-blocking.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            long written;
            fixed (byte* start = bytes) written = write(Number, start, bytes.Length);
            if (written >= 0) bytes = bytes[(int)written..];
            else if (Errno.Last is not Errno.EINTR) throw new SyscallException("write", Errno.Last);
        }
    }

    /// <summary>Writes what can be written at once. write(2).</summary>
    /// <returns>How many bytes; null where the file is non-blocking and takes none now (EAGAIN).</returns>
    /// <exception cref="SyscallException">Any other errno but EINTR.</exception>
    public int? TryWrite(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            long written;
            fixed (byte* start = bytes) written = write(Number, start, bytes.Length);
            if (written >= 0) return (int)written;
            if (Errno.Last is Errno.EAGAIN) return null;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("write", Errno.Last);
        }
    }

    /// <summary>Reads what is there. read(2).</summary>
    /// <returns>How many bytes; 0 at the end; null where the file is non-blocking and has nothing now (EAGAIN).</returns>
    /// <exception cref="SyscallException">Any other errno but EINTR.</exception>
    public int? TryRead(Span<byte> buffer)
    {
        while (true)
        {
            long got;
            fixed (byte* start = buffer) got = read(Number, start, buffer.Length);
            if (got >= 0) return (int)got;
            if (Errno.Last is Errno.EAGAIN) return null;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("read", Errno.Last);
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;
}
