using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Files;

/// <summary>Anonymous files in memory. memfd_create(2), Linux 3.17.</summary>
internal static unsafe class Memfd
{
    private const uint MFD_EXEC = 0x10;

    /// <param name="name">Shown in /proc, nothing else.</param>
    /// <param name="executable">Requests execute permission where the kernel makes it optional (MFD_EXEC, Linux 6.3).</param>
    public static Fd Create(string name, bool executable = false)
    {
        fixed (byte* text = CString.Of(name))
        {
            var fd = memfd_create(text, MFD_CLOEXEC | MFD_ALLOW_SEALING | (executable ? MFD_EXEC : 0));
            if (fd < 0 && executable && Errno.Last is Errno.EINVAL) fd = memfd_create(text, MFD_CLOEXEC | MFD_ALLOW_SEALING);
            return fd >= 0 ? new Fd(fd) : throw new SyscallException("memfd_create", Errno.Last, name);
        }
    }

    /// <summary>Makes the contents immutable.</summary>
    /// <returns>A read-only descriptor: execve(2) fails with ETXTBSY while a writable one is open.</returns>
    public static Fd Seal(Fd file)
    {
        if (fcntl(file.Number, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
            throw new SyscallException("fcntl(F_ADD_SEALS)", Errno.Last);
        return Fd.Open($"/proc/self/fd/{file.Number}", OpenFlags.O_RDONLY);
    }

    /// <summary>Whether the contents are immutable.</summary>
    public static bool IsSealed(Fd file)
    {
        var needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        return fcntl(file.Number, F_GET_SEALS) is >= 0 and var seals && (seals & needed) == needed;
    }
}
