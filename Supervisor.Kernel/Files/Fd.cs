using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>An open file descriptor that closes itself once. Every one is born close-on-exec.</summary>
public sealed partial class Fd : SafeHandleMinusOneIsInvalid
{
    /// <summary>For the marshaller.</summary>
    public Fd() : base(ownsHandle: true) { }

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
        while (true)
        {
            var fd = open(path, (flags | OpenFlags.O_CLOEXEC).ToKernel(), mode);
            if (!fd.IsInvalid) return fd;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("open", Errno.Last, path);
        }
    }

    /// <summary>As <see cref="Open"/>, with null for a path that does not exist (ENOENT).</summary>
    public static Fd? TryOpen(string path, OpenFlags flags)
    {
        try { return Open(path, flags); }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT) { return null; }
    }

    /// <summary>A second descriptor of the same open file. fcntl(2), <c>F_DUPFD_CLOEXEC</c>.</summary>
    public Fd Duplicate()
    {
        const int F_DUPFD_CLOEXEC = 1030;
        var copy = fcntl(Number, F_DUPFD_CLOEXEC, 3);
        return copy >= 0 ? new Fd(copy) : throw new SyscallException("fcntl(F_DUPFD_CLOEXEC)", Errno.Last);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial Fd open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, int argument);

    [LibraryImport("libc")]
    private static partial int close(int fd);
}
