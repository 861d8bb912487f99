using System.Collections.Frozen;
using System.Runtime.InteropServices;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// The default seccomp profile: exactly what docker and containerd allow by default. All other calls fail with EPERM; among them
/// keyctl, add_key and request_key, because the kernel's keyrings are not namespaced.
/// </summary>
public static class DefaultSeccomp
{
    private const uint ENOSYS = 38;

    // clone(2): CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
    private const ulong NewNamespaces =
        0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;

    // linux/socket.h. Left out: AF_VSOCK (40), which reaches the hypervisor's other guests, AF_ALG (38), the kernel's
    // cryptography, and families that no current kernel has.
    private const ulong FamiliesBelow = 12;
    private static readonly ulong[] Families =
        [13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45];

    // personality(2): PER_LINUX, PER_LINUX32, both with UNAME26, and the query. Not ADDR_NO_RANDOMIZE and the like, which disable
    // protections.
    private static readonly ulong[] Personalities = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

    // For every ABI: the kernel has some of them under other names on 32 bits.
    private static readonly string[] ForAll = Names(
        // files by name
        """
        access faccessat faccessat2 chdir fchdir getcwd chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32
        creat open openat openat2 link linkat symlink symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir
        mknod mknodat stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64 statmount listmount
        truncate truncate64 ftruncate ftruncate64 utime utimes futimesat utimensat utimensat_time64 umask name_to_handle_at
        getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat
        removexattr lremovexattr fremovexattr removexattrat inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
        """,
        // files that are open
        """
        close close_range dup dup2 dup3 fcntl fcntl64 flock ioctl lseek _llseek read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2
        getdents getdents64 readahead fadvise64 fadvise64_64 fallocate copy_file_range sendfile sendfile64 splice tee vmsplice
        sync syncfs fsync fdatasync sync_file_range cachestat pipe pipe2 memfd_create memfd_secret
        select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 eventfd eventfd2 signalfd signalfd4
        epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
        io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set
        """,
        // sockets; their families are checked below
        """
        socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
        send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64
        """,
        // memory
        """
        brk mmap mmap2 munmap mremap mprotect madvise msync mincore mseal mlock mlock2 mlockall munlock munlockall remap_file_pages
        pkey_alloc pkey_free pkey_mprotect map_shadow_stack membarrier process_mrelease
        """,
        // processes and threads; clone is checked below
        """
        fork vfork execve execveat exit exit_group wait4 waitid waitpid pause restart_syscall rseq uretprobe riscv_hwprobe
        getpid getppid gettid getpgid getpgrp setpgid getsid setsid set_tid_address set_thread_area get_thread_area
        futex futex_time64 futex_wait futex_wake futex_waitv futex_requeue get_robust_list set_robust_list
        pidfd_open pidfd_send_signal ptrace process_vm_readv process_vm_writev prctl seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
        getrlimit ugetrlimit setrlimit prlimit64 getrusage times getcpu getpriority setpriority sched_yield
        sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler sched_setscheduler
        sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64
        """,
        // users
        """
        getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32
        setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32
        setfsgid setfsgid32 setgroups setgroups32 capget capset
        """,
        // signals
        """
        kill tkill tgkill sigprocmask sigreturn sigaltstack rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn
        rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
        """,
        // time; setting it needs CAP_SYS_TIME even where a call is allowed here
        """
        time gettimeofday adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
        nanosleep clock_nanosleep clock_nanosleep_time64 alarm getitimer setitimer timer_create timer_delete timer_getoverrun
        timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
        """,
        // messages, semaphores and shared memory
        """
        ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
        mq_open mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
        """,
        // the machine
        "uname sysinfo getrandom");

    private static readonly FrozenDictionary<string, string[]> ForCapability = new Dictionary<string, string>
    {
        ["CAP_DAC_READ_SEARCH"] = "open_by_handle_at",
        ["CAP_SYS_ADMIN"] =
            """
            clone clone3 unshare setns mount mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick umount umount2 sethostname setdomainname
            bpf perf_event_open syslog fanotify_init quotactl quotactl_fd lookup_dcookie lsm_get_self_attr lsm_set_self_attr lsm_list_modules
            """,
        ["CAP_SYS_BOOT"] = "reboot",
        ["CAP_SYS_CHROOT"] = "chroot",
        ["CAP_SYS_MODULE"] = "init_module finit_module delete_module",
        ["CAP_SYS_PACCT"] = "acct",
        ["CAP_SYS_PTRACE"] = "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
        ["CAP_SYS_RAWIO"] = "iopl ioperm",
        ["CAP_SYS_TIME"] = "settimeofday stime clock_settime clock_settime64",
        ["CAP_SYS_TTY_CONFIG"] = "vhangup",
        ["CAP_SYS_NICE"] = "get_mempolicy set_mempolicy set_mempolicy_home_node mbind",
        ["CAP_SYSLOG"] = "syslog",
        ["CAP_BPF"] = "bpf",
        ["CAP_PERFMON"] = "perf_event_open",
    }.ToFrozenDictionary(c => c.Key, c => Names(c.Value));

    // System calls of this machine only.
    private static (string[] Names, string[] Architectures) OfMachine(Architecture machine) => machine switch
    {
        Architecture.X64 => (["arch_prctl", "modify_ldt"], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]),
        Architecture.Arm64 =>
            (Names("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"),
            ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]),
        _ => throw new PlatformNotSupportedException($"no default seccomp profile for {machine}: specify one"),
    };

    /// <summary>The profile.</summary>
    /// <param name="capabilities">The bounding set: each allows the system calls that it is for.</param>
    /// <param name="machine">X64 or Arm64.</param>
    public static SeccompSpec For(IEnumerable<string> capabilities, Architecture machine)
    {
        var held = capabilities.ToHashSet(StringComparer.Ordinal);
        var (own, architectures) = OfMachine(machine);
        string[] names = [.. ForAll, .. own, .. held.SelectMany(c => ForCapability.GetValueOrDefault(c, []))];
        List<SeccompSyscallSpec> rules =
        [
            Allow([.. names.Distinct(StringComparer.Ordinal)]),
            // one argument repeatedly: any of these
            Allow(["socket"], [Argument("SCMP_CMP_LT", FamiliesBelow), .. Families.Select(f => Argument("SCMP_CMP_EQ", f))]),
            Allow(["personality"], [.. Personalities.Select(p => Argument("SCMP_CMP_EQ", p))]),
        ];
        if (!held.Contains("CAP_SYS_ADMIN"))
        {
            rules.Add(Allow(["clone"], Argument("SCMP_CMP_MASKED_EQ", NewNamespaces)));
            // Its flags are behind a pointer, where no filter can look: libraries fall back on clone if it is missing.
            rules.Add(new SeccompSyscallSpec { Names = ["clone3"], Action = "SCMP_ACT_ERRNO", ErrnoRet = ENOSYS });
        }
        return new SeccompSpec { DefaultAction = "SCMP_ACT_ERRNO", Architectures = architectures, Syscalls = rules };
    }

    private static SeccompSyscallSpec Allow(string[] names, params SeccompArgumentSpec[] arguments) =>
        new() { Names = names, Action = "SCMP_ACT_ALLOW", Args = arguments };

    private static SeccompArgumentSpec Argument(string comparison, ulong value) =>
        new() { Index = 0, Op = comparison, Value = value };

    private static string[] Names(params string[] lines) =>
        [.. lines.SelectMany(l => l.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))];
}
