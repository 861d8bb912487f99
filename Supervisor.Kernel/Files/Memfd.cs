using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>Anonymous files in memory. memfd_create(2), Linux 3.17.</summary>
internal static partial class Memfd
{
    private const uint MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_EXEC = 0x10;
    private const int F_ADD_SEALS = 1033, F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8;

    /// <param name="name">Shown in /proc, nothing else.</param>
    /// <param name="executable">Ask for execute permission where the kernel makes it a choice (MFD_EXEC, Linux 6.3).</param>
    public static Fd Create(string name, bool executable = false)
    {
        var fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (executable ? MFD_EXEC : 0));
        if (fd < 0 && executable && Errno.Last is Errno.EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd >= 0 ? new Fd(fd) : throw new SyscallException("memfd_create", Errno.Last, name);
    }

    /// <summary>Makes the contents unchangeable for everyone, for good.</summary>
    /// <returns>A read-only descriptor: while a writable one is open, execve(2) answers ETXTBSY.</returns>
    public static Fd Seal(Fd file)
    {
        if (fcntl(file.Number, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
            throw new SyscallException("fcntl(F_ADD_SEALS)", Errno.Last);
        return Fd.Open($"/proc/self/fd/{file.Number}", OpenFlags.O_RDONLY);
    }

    /// <summary>Whether nobody can change the contents any more.</summary>
    public static bool IsSealed(Fd file)
    {
        const int F_GET_SEALS = 1034, Needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        return fcntl(file.Number, F_GET_SEALS, 0) is >= 0 and var seals && (seals & Needed) == Needed;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, int argument);
}
