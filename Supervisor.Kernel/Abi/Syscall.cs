using System.Runtime.InteropServices;

namespace Supervisor.Kernel.Abi;

/// <summary>
/// Numbers of the system calls in launch programs, and of those that have no C library function. Where x86-64 and arm64
/// differ, the running machine's number; calls without the <c>at</c> suffix that arm64 lacks are absent on purpose.
/// </summary>
public static class Syscall
{
#pragma warning disable CS1591 // The kernel's own names; asm/unistd.h (x86-64), asm-generic/unistd.h (arm64).
    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64;

    public static readonly int read = Of(0, 63), write = Of(1, 64), close = Of(3, 57), ioctl = Of(16, 29);
    public static readonly int socket = Of(41, 198), sendmsg = Of(46, 211), fcntl = Of(72, 25);
    public static readonly int chdir = Of(80, 49), fchdir = Of(81, 50), umask = Of(95, 166), setsid = Of(112, 157);
    public static readonly int setgroups = Of(116, 159), setresuid = Of(117, 147), setresgid = Of(119, 149), capset = Of(126, 91);
    public static readonly int rt_sigaction = Of(13, 134), rt_sigprocmask = Of(14, 135), getpid = Of(39, 172);
    public static readonly int pivot_root = Of(155, 41), prctl = Of(157, 167), mount = Of(165, 40), umount2 = Of(166, 39);
    public static readonly int sethostname = Of(170, 161), setdomainname = Of(171, 162), exit_group = Of(231, 94);
    public static readonly int openat = Of(257, 56), mkdirat = Of(258, 34), mknodat = Of(259, 33), fchownat = Of(260, 54);
    public static readonly int symlinkat = Of(266, 36), faccessat = Of(269, 48), unshare = Of(272, 97), fchown = Of(93, 55);
    public static readonly int dup3 = Of(292, 24), prlimit64 = Of(302, 261), setns = Of(308, 268);
    public static readonly int execve = Of(59, 221), execveat = Of(322, 281);
    public static readonly int memfd_create = Of(319, 279), lseek = Of(8, 62), ppoll = Of(271, 73), waitid = Of(247, 95),
        futex = Of(202, 98);
    public static readonly int seccomp = Of(317, 277), chroot = Of(161, 51), ioprio_set = Of(251, 30),
        sched_setattr = Of(314, 274);
    public static readonly int sched_setaffinity = Of(203, 122), personality = Of(135, 92), keyctl = Of(250, 219),
        fstatfs = Of(138, 44);
    public static readonly int getcwd = Of(79, 17), accept4 = Of(288, 242), mmap = Of(9, 222), madvise = Of(28, 233);
    public static readonly int writev = Of(20, 66), clock_gettime = Of(228, 113);
    public const int pidfd_send_signal = 424, open_tree = 428, move_mount = 429, fsopen = 430, fsconfig = 431, fsmount = 432;
    public const int clone3 = 435, close_range = 436, openat2 = 437, mount_setattr = 442;
    public static readonly int set_mempolicy = Of(238, 237);
    public const int pidfd_open = 434, pidfd_getfd = 438;
    public static readonly int bpf = Of(321, 280), clone = Of(56, 220), setpgid = Of(109, 154), rt_sigtimedwait = Of(128, 137);
#pragma warning restore CS1591

    /// <summary>The name of a call above, for listings and error messages.</summary>
    public static string NameOf(uint number) => Names.GetValueOrDefault((int)number) ?? $"syscall {number}";

    private static int Of(int x64, int arm64) => Arm ? arm64 : x64;

    private static readonly Dictionary<int, string> Names = new()
    {
        [read] = "read", [write] = "write", [close] = "close", [ioctl] = "ioctl", [socket] = "socket", [sendmsg] = "sendmsg",
        [fcntl] = "fcntl", [chdir] = "chdir", [fchdir] = "fchdir", [umask] = "umask", [setsid] = "setsid",
        [setgroups] = "setgroups", [setresuid] = "setresuid", [setresgid] = "setresgid", [capset] = "capset",
        [rt_sigaction] = "rt_sigaction", [rt_sigprocmask] = "rt_sigprocmask", [getpid] = "getpid", [pivot_root] = "pivot_root",
        [prctl] = "prctl", [mount] = "mount", [umount2] = "umount2", [sethostname] = "sethostname",
        [setdomainname] = "setdomainname", [exit_group] = "exit_group", [openat] = "openat", [mkdirat] = "mkdirat",
        [mknodat] = "mknodat", [fchownat] = "fchownat", [symlinkat] = "symlinkat", [faccessat] = "faccessat",
        [unshare] = "unshare", [fchown] = "fchown", [dup3] = "dup3", [prlimit64] = "prlimit64", [setns] = "setns",
        [accept4] = "accept4", [execve] = "execve", [execveat] = "execveat", [open_tree] = "open_tree",
        [move_mount] = "move_mount",
        [fsopen] = "fsopen", [fsconfig] = "fsconfig", [fsmount] = "fsmount", [clone3] = "clone3",
        [memfd_create] = "memfd_create", [lseek] = "lseek", [ppoll] = "ppoll", [waitid] = "waitid", [futex] = "futex",
        [seccomp] = "seccomp", [chroot] = "chroot", [ioprio_set] = "ioprio_set", [sched_setattr] = "sched_setattr",
        [sched_setaffinity] = "sched_setaffinity", [personality] = "personality", [keyctl] = "keyctl", [fstatfs] = "fstatfs",
        [getcwd] = "getcwd", [mmap] = "mmap", [madvise] = "madvise", [pidfd_send_signal] = "pidfd_send_signal",
        [close_range] = "close_range", [openat2] = "openat2", [mount_setattr] = "mount_setattr", [pidfd_open] = "pidfd_open",
        [pidfd_getfd] = "pidfd_getfd", [bpf] = "bpf", [set_mempolicy] = "set_mempolicy",
        [writev] = "writev", [clock_gettime] = "clock_gettime",
        [clone] = "clone", [setpgid] = "setpgid", [rt_sigtimedwait] = "rt_sigtimedwait",
    };
}
