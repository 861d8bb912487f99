using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Processes;

/// <summary>The resource usage of a process.</summary>
/// <param name="MaximumResident">Its peak resident set, in KiB.</param>
public readonly record struct ProcessUsage(TimeSpan User, TimeSpan System, long MaximumResident);

/// <summary>Refers to one process until disposed, even after its pid is reused.</summary>
public sealed unsafe class Pidfd : SafeHandleMinusOneIsInvalid
{
    private const int SiginfoInts = 32, P_PIDFD = 3, WEXITED = 4, WNOHANG = 1, WNOWAIT = 0x1000000;

    /// <summary>Takes ownership of <paramref name="number"/>.</summary>
    public Pidfd(int number) : base(ownsHandle: true) => SetHandle(number);

    /// <summary>The number, for a system call made while this object is alive.</summary>
    public int Number => (int)handle;

    /// <summary>Opens the process that has this pid now.</summary>
    /// <returns>Null when there is none (ESRCH), which is not an error.</returns>
    /// <exception cref="SyscallException">Any other errno.</exception>
    /// <remarks>pidfd_open(2), Linux 5.3. The kernel sets O_CLOEXEC itself.</remarks>
    public static Pidfd? TryOpen(int pid)
    {
        var pidfd = (int)syscall(Syscall.pidfd_open, pid, 0);
        if (pidfd >= 0) return new Pidfd(pidfd);
        return Errno.Last is Errno.ESRCH ? null : throw new SyscallException("pidfd_open", Errno.Last, $"/proc/{pid}");
    }

    /// <summary>Sends a signal. pidfd_send_signal(2), Linux 5.1.</summary>
    /// <returns>False when the process has exited and been reaped (ESRCH).</returns>
    /// <exception cref="SyscallException">Any other errno.</exception>
    public bool TrySignal(int signal)
    {
        if ((int)syscall(Syscall.pidfd_send_signal, Number, signal, null, 0) == 0) return true;
        return Errno.Last is Errno.ESRCH
            ? false : throw new SyscallException("pidfd_send_signal", Errno.Last, $"signal {signal}");
    }

    /// <inheritdoc cref="TrySignal(int)"/>
    public bool TrySignal(Signal signal) => TrySignal((int)signal);

    /// <summary>For a descriptor that has no owner yet: the launch watchdog cannot use anything else.</summary>
    internal static void TrySignal(int pidfd, Signal signal) => syscall(Syscall.pidfd_send_signal, pidfd, (int)signal, null, 0);

    /// <summary>Waits until the process has exited, without reaping it.</summary>
    /// <returns>False when <paramref name="timeout"/> passed first.</returns>
    public bool WaitForExit(TimeSpan timeout) => Poll.Wait(Number, PollEvents.POLLIN, timeout) != PollEvents.None;

    /// <summary>Reaps the exited process, if it is our child.</summary>
    /// <returns>Null while it runs, or when it is not our child (ECHILD).</returns>
    /// <remarks>waitid(2) with P_PIDFD, Linux 5.4.</remarks>
    public ExitStatus? TryReap() => Wait(WEXITED | WNOHANG);

    /// <summary>
    /// As <see cref="TryReap"/>, but leaves the child a zombie: if we crash, its new parent can still read the status.
    /// </summary>
    /// <param name="usage">Of it and its reaped children; zero where the result is null. getrusage(2).</param>
    public ExitStatus? TryPeek(out ProcessUsage usage)
    {
        var rusage = stackalloc long[18]; // struct rusage: two timevals, then 14 counters of which the first is ru_maxrss
        new Span<long>(rusage, 18).Clear();
        var status = Wait(WEXITED | WNOHANG | WNOWAIT, rusage);
        usage = new ProcessUsage(
            TimeSpan.FromMicroseconds(rusage[0] * 1e6 + rusage[1]), TimeSpan.FromMicroseconds(rusage[2] * 1e6 + rusage[3]),
            rusage[4]);
        return status;
    }

    /// <summary>Waits for a child that is certain to exit, and reaps it.</summary>
    internal ExitStatus? Reap() => Wait(WEXITED);

    /// <summary>
    /// The exit status of a process that is not our child: the kernel keeps it with the pidfd. PIDFD_GET_INFO with
    /// PIDFD_INFO_EXIT, Linux 6.15.
    /// </summary>
    /// <returns>Null where the kernel is too old, or the process has not been reaped yet.</returns>
    public ExitStatus? TryReadExit()
    {
        const ulong PIDFD_INFO_EXIT = 8;
        const int PIDFD_GET_INFO = unchecked((int)0xC040FF0B); // _IOWR(0xFF, 11, struct pidfd_info of 64 bytes)
        var info = new PidfdInfo { mask = PIDFD_INFO_EXIT };
        if (ioctl(Number, PIDFD_GET_INFO, &info) != 0 || (info.mask & PIDFD_INFO_EXIT) == 0) return null;
        return ExitStatus.FromWaitStatus(info.exit_code);
    }

    /// <summary>
    /// The exit status of a zombie that is not our child: /proc/PID/stat shows it to a process with rights over it. The pid is
    /// not reused before the zombie is reaped, and the pidfd confirms afterwards that it was not.
    /// </summary>
    /// <returns>Null where it is no zombie, or the status is not readable.</returns>
    public ExitStatus? TryReadUncollected()
    {
        if (TryPid() is not { } pid) return null;
        var status = ProcStat.TryReadZombie(pid);
        return TryPid() == pid ? status : null;
    }

    /// <summary>
    /// Opens its mount namespace. PIDFD_GET_MNT_NAMESPACE, Linux 6.11; the kernel sets O_CLOEXEC.
    /// </summary>
    /// <returns>Null where it has exited, the kernel is older, or no descriptor is free.</returns>
    internal Fd? TryOpenMountNamespace()
    {
        const int PIDFD_GET_MNT_NAMESPACE = 0xFF03; // _IO(0xFF, 3)
        var fd = ioctl(Number, PIDFD_GET_MNT_NAMESPACE, null);
        return fd >= 0 ? new Fd(fd) : null;
    }

    /// <summary>Whether any child of this process has exited and is not reaped. waitid(2) with P_ALL.</summary>
    internal static bool HasEndedChild()
    {
        const int P_ALL = 0;
        var info = stackalloc int[SiginfoInts];
        return TryWait(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT, info, null);
    }

    // proc_pid_fdinfo(5): -1 once it has been reaped.
    private int? TryPid()
    {
        const string Field = "Pid:";
        var line = KernelFile.Read($"/proc/self/fdinfo/{Number}").Split('\n')
            .FirstOrDefault(l => l.StartsWith(Field, StringComparison.Ordinal));
        return line is not null && int.TryParse(line.AsSpan(Field.Length), out var pid) && pid > 0 ? pid : null;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    private ExitStatus? Wait(int options, long* usage = null)
    {
        const int CLD_EXITED = 1;
        var info = stackalloc int[SiginfoInts];
        if (!TryWait(P_PIDFD, Number, options, info, usage)) return null;
        return info[2] == CLD_EXITED ? ExitStatus.Exited(info[6]) : ExitStatus.Killed(info[6]);
    }

    /// <param name="info">A siginfo_t: si_signo, si_errno, si_code, _, si_pid, si_uid, si_status.</param>
    /// <returns>False where there is no such child, or, with WNOHANG, it is still running.</returns>
    private static bool TryWait(int type, int id, int options, int* info, long* usage)
    {
        while (true)
        {
            new Span<int>(info, SiginfoInts).Clear();
            if ((int)syscall(Syscall.waitid, type, id, info, options, usage) == 0) return info[4] != 0; // libc's takes no rusage
            if (Errno.Last is Errno.ECHILD) return false;
            if (Errno.Last is not Errno.EINTR) throw new SyscallException("waitid", Errno.Last);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PidfdInfo // linux/pidfd.h, 64 bytes
    {
        public ulong mask, cgroupid;
        public uint pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
        public int exit_code;
    }
}
