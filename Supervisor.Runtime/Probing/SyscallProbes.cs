using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Probing;

/// <summary>Probes system calls, each in a way that shows whether the kernel has it and changes nothing.</summary>
internal static unsafe class SyscallProbes
{
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
        return parts.Length >= 2 && int.TryParse(parts[0], out var a) && int.TryParse(parts[1], out var b)
            && (a > major || a == major && b >= minor);
    }

    // A size of 0 is too small for any version of clone_args.
    private static HostFeature Clone3() =>
        OfRefusal("clone3", (int)syscall(Syscall.clone3, 0, 0), Errno.EINVAL,
            "starting processes (Linux 5.3; some seccomp profiles hide it)");

    // With a descriptor that cannot be open, the call fails before it makes a child.
    private static HostFeature CloneIntoCgroup()
    {
        const ulong CLONE_INTO_CGROUP = 0x2_0000_0000;
        var arguments = stackalloc ulong[11]; // struct clone_args, version 2: flags … cgroup
        new Span<ulong>(arguments, 11).Clear();
        arguments[0] = CLONE_INTO_CGROUP;
        arguments[10] = int.MaxValue;
        return OfRefusal("CLONE_INTO_CGROUP", (int)syscall(Syscall.clone3, arguments, 11 * sizeof(ulong), 0, 0, 0), Errno.EBADF,
            "spawning processes directly in their cgroup (v2, Linux 5.7)");
    }

    private static HostFeature PidfdOpen() =>
        OfDescriptor("pidfd_open", (int)syscall(Syscall.pidfd_open, Environment.ProcessId, 0),
            "waiting for and signalling processes (Linux 5.3)");

    private static HostFeature PidfdGetInfo()
    {
        const int PIDFD_GET_INFO = unchecked((int)0xc040_ff0b); // _IOWR(0xff, 11, 64 bytes): linux/pidfd.h
        const string name = "PIDFD_GET_INFO",
            use = "exit codes of processes that are not our children (Linux 6.13; the code itself from 6.15)";
        var number = (int)syscall(Syscall.pidfd_open, Environment.ProcessId, 0);
        if (number < 0) return new(name, false, $"pidfd_open: {Errno.Last}", use);
        using var fd = new Fd(number);
        var info = stackalloc byte[64];
        new Span<byte>(info, 64).Clear();
        *(ulong*)info = 1; // PIDFD_INFO_PID
        if (ioctl(fd.Number, PIDFD_GET_INFO, info) < 0) return new(name, false, $"ioctl: {Errno.Last}", use);
        var exits = IsAtLeast(ProbeFile.TryRead("/proc/sys/kernel/osrelease") ?? "", 6, 15);
        return new(name, true, exits ? "with exit codes" : "without exit codes", use);
    }

    // Closes from descriptor 4294967295 on: there are none.
    private static HostFeature CloseRange()
    {
        var result = (int)syscall(Syscall.close_range, uint.MaxValue, uint.MaxValue, 0);
        return new("close_range", result == 0, result == 0
            ? "yes" : $"{Errno.Last}", "keeping descriptors out of containers (Linux 5.9)");
    }

    private static HostFeature Openat2()
    {
        var how = new open_how
        {
            flags = (ulong)(O_PATH | O_CLOEXEC), resolve = (ulong)(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS),
        };
        fixed (byte* path = "."u8)
            return OfDescriptor("openat2", openat2(AT_FDCWD, path, &how, sizeof(open_how)),
                "paths that stay inside a container's root (Linux 5.6)");
    }

    private static HostFeature Fsopen()
    {
        const int FSOPEN_CLOEXEC = 1;
        fixed (byte* type = "tmpfs"u8)
            return OfDescriptor("fsopen", (int)syscall(Syscall.fsopen, type, FSOPEN_CLOEXEC),
                "detached mounts (Linux 5.2)");
    }

    private static HostFeature OpenTree()
    {
        const int OPEN_TREE_CLONE = 1;
        fixed (byte* path = "/"u8) // the copy is detached and goes with its descriptor
            return OfDescriptor("open_tree", (int)syscall(Syscall.open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC),
                "bind mounts by descriptor (Linux 5.2)");
    }

    // A size of 0 is too small for any version of mount_attr.
    private static HostFeature MountSetattr() =>
        OfRefusal("mount_setattr", (int)syscall(Syscall.mount_setattr, -1, 0, 0, 0, 0), Errno.EINVAL,
            "read-only binds of whole trees (Linux 5.12)");

    private static HostFeature MemfdSeals()
    {
        const int F_SEAL_EXEC = 0x20;
        const string name = "F_SEAL_EXEC",
            use = "a launch stub whose mode cannot be changed either (Linux 6.3); the other seals work without";
        int number;
        fixed (byte* file = "probe"u8) number = memfd_create(file, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (number < 0) return new(name, false, $"memfd_create: {Errno.Last}", use);
        using var fd = new Fd(number);
        var sealed_ = fcntl(number, F_ADD_SEALS, F_SEAL_EXEC) == 0;
        return new(name, sealed_, sealed_ ? "yes" : $"fcntl: {Errno.Last}", use);
    }

    // The kernel has the call if it fails with the expected errno.
    private static HostFeature OfRefusal(string name, int result, Errno expected, string use)
    {
        var errno = result < 0 ? Errno.Last : Errno.None;
        return new(name, errno == expected, errno == expected ? "yes" : Reason(errno), use);
    }

    private static HostFeature OfDescriptor(string name, int result, string use)
    {
        if (result < 0) return new(name, false, Reason(Errno.Last), use);
        new Fd(result).Dispose();
        return new(name, true, "yes", use);
    }

    private static string Reason(Errno errno) => errno switch
    {
        Errno.ENOSYS => "ENOSYS: not in this kernel, or hidden by a seccomp filter",
        Errno.EPERM => "EPERM: in the kernel, not allowed to us",
        _ => $"{errno}",
    };
}
