using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Kernel.Probing;

/// <summary>System calls, each called in a way that shows that the kernel knows it and changes nothing.</summary>
internal static unsafe partial class SyscallProbes
{
    // asm-generic/unistd.h; since 424 the same on x86-64 and arm64.
    private const nint SYS_open_tree = 428, SYS_fsopen = 430, SYS_pidfd_open = 434, SYS_clone3 = 435, SYS_close_range = 436,
        SYS_openat2 = 437, SYS_mount_setattr = 442;

    private const int AT_FDCWD = -100, O_CLOEXEC = 0x80000, O_PATH = 0x200000;

    public static IEnumerable<HostFeature> All() =>
    [
        KernelVersion(), Clone3(), CloneIntoCgroup(), PidfdOpen(), PidfdGetInfo(), CloseRange(), Openat2(), Fsopen(), OpenTree(),
        MountSetattr(), MemfdSeals(),
    ];

    private static HostFeature KernelVersion()
    {
        var release = ProbeFile.TryRead("/proc/sys/kernel/osrelease") ?? "unknown";
        return new("kernel", IsAtLeast(release, 5, 10), release, "everything: 5.10 is the oldest that is supported");
    }

    /// <summary>Whether a release like <c>6.1.0-13-amd64</c> is at least that version.</summary>
    internal static bool IsAtLeast(string release, int major, int minor)
    {
        var parts = release.Split('.', '-', '+');
        return parts.Length >= 2 && int.TryParse(parts[0], out var a) && int.TryParse(parts[1], out var b) && (a > major || a == major && b >= minor);
    }

    // A size of 0 is too small for any version of clone_args.
    private static HostFeature Clone3() =>
        OfRefusal("clone3", syscall(SYS_clone3, 0, 0, 0, 0, 0), Errno.EINVAL, "starting processes (Linux 5.3; some seccomp profiles hide it)");

    // With a descriptor that cannot be open, the call ends before there is a child.
    private static HostFeature CloneIntoCgroup()
    {
        const ulong CLONE_INTO_CGROUP = 0x2_0000_0000;
        var arguments = stackalloc ulong[11]; // struct clone_args, version 2: flags … cgroup
        new Span<ulong>(arguments, 11).Clear();
        arguments[0] = CLONE_INTO_CGROUP;
        arguments[10] = int.MaxValue;
        return OfRefusal("CLONE_INTO_CGROUP", syscall(SYS_clone3, (nint)arguments, 11 * sizeof(ulong), 0, 0, 0), Errno.EBADF,
            "a process's birth inside its cgroup (v2, Linux 5.7)");
    }

    private static HostFeature PidfdOpen() =>
        OfDescriptor("pidfd_open", syscall(SYS_pidfd_open, Environment.ProcessId, 0, 0, 0, 0), "waiting for and signalling processes (Linux 5.3)");

    private static HostFeature PidfdGetInfo()
    {
        const nuint PIDFD_GET_INFO = 0xc040_ff0b; // _IOWR(0xff, 11, 64 bytes): linux/pidfd.h
        const string name = "PIDFD_GET_INFO", use = "exit codes of processes that are not our children (Linux 6.13; the code itself from 6.15)";
        var number = syscall(SYS_pidfd_open, Environment.ProcessId, 0, 0, 0, 0);
        if (number < 0) return new(name, false, $"pidfd_open: {Errno.Last}", use);
        using var fd = new Fd((int)number);
        var info = stackalloc byte[64];
        new Span<byte>(info, 64).Clear();
        *(ulong*)info = 1; // PIDFD_INFO_PID
        if (ioctl(fd.Number, PIDFD_GET_INFO, info) < 0) return new(name, false, $"ioctl: {Errno.Last}", use);
        var exits = IsAtLeast(ProbeFile.TryRead("/proc/sys/kernel/osrelease") ?? "", 6, 15);
        return new(name, true, exits ? "with exit codes" : "without exit codes", use);
    }

    // Descriptors from 4294967295 on: there are none.
    private static HostFeature CloseRange()
    {
        var result = syscall(SYS_close_range, unchecked((nint)uint.MaxValue), unchecked((nint)uint.MaxValue), 0, 0, 0);
        return new("close_range", result == 0, result == 0 ? "yes" : $"{Errno.Last}", "keeping descriptors out of containers (Linux 5.9)");
    }

    private static HostFeature Openat2()
    {
        const ulong RESOLVE_NO_MAGICLINKS = 2, RESOLVE_IN_ROOT = 0x10;
        var how = stackalloc ulong[3] { O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        fixed (byte* path = "."u8)
            return OfDescriptor("openat2", syscall(SYS_openat2, AT_FDCWD, (nint)path, (nint)how, 24, 0),
                "paths that stay inside a container's root (Linux 5.6)");
    }

    private static HostFeature Fsopen()
    {
        const int FSOPEN_CLOEXEC = 1;
        fixed (byte* type = "tmpfs"u8)
            return OfDescriptor("fsopen", syscall(SYS_fsopen, (nint)type, FSOPEN_CLOEXEC, 0, 0, 0), "mounts that no path leads to while they are made (Linux 5.2)");
    }

    private static HostFeature OpenTree()
    {
        const int OPEN_TREE_CLONE = 1;
        fixed (byte* path = "/"u8) // the clone is nowhere attached and ends with its descriptor
            return OfDescriptor("open_tree", syscall(SYS_open_tree, AT_FDCWD, (nint)path, OPEN_TREE_CLONE | O_CLOEXEC, 0, 0), "bind mounts by descriptor (Linux 5.2)");
    }

    // A size of 0 is too small for any version of mount_attr.
    private static HostFeature MountSetattr() =>
        OfRefusal("mount_setattr", syscall(SYS_mount_setattr, -1, 0, 0, 0, 0), Errno.EINVAL, "read-only binds of whole trees (Linux 5.12)");

    private static HostFeature MemfdSeals()
    {
        const int F_ADD_SEALS = 1033, F_SEAL_EXEC = 0x20;
        const string name = "F_SEAL_EXEC", use = "a launch stub whose mode cannot be changed either (Linux 6.3); the other seals do without";
        var number = memfd_create("probe", 3); // MFD_CLOEXEC | MFD_ALLOW_SEALING
        if (number < 0) return new(name, false, $"memfd_create: {Errno.Last}", use);
        using var fd = new Fd(number);
        var sealed_ = fcntl(number, F_ADD_SEALS, F_SEAL_EXEC) == 0;
        return new(name, sealed_, sealed_ ? "yes" : $"fcntl: {Errno.Last}", use);
    }

    // The call is known when it refuses for the expected reason.
    private static HostFeature OfRefusal(string name, nint result, Errno expected, string use)
    {
        var errno = result < 0 ? Errno.Last : Errno.None;
        return new(name, errno == expected, errno == expected ? "yes" : Reason(errno), use);
    }

    private static HostFeature OfDescriptor(string name, nint result, string use)
    {
        if (result < 0) return new(name, false, Reason(Errno.Last), use);
        new Fd((int)result).Dispose();
        return new(name, true, "yes", use);
    }

    private static string Reason(Errno errno) => errno switch
    {
        Errno.ENOSYS => "ENOSYS: not in this kernel, or hidden by a seccomp filter",
        Errno.EPERM => "EPERM: in the kernel, not allowed to us",
        _ => $"{errno}",
    };

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, byte* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, int argument);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);
}
