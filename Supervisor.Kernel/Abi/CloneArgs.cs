using System.Runtime.InteropServices;

namespace Supervisor.Kernel.Abi;

#pragma warning disable CS1591 // The kernel's own names; clone(2), sched.h.
/// <summary>Flags of clone3(2), unshare(2) and setns(2). linux/sched.h.</summary>
[Flags]
public enum CloneFlags : ulong
{
    None = 0,
    CLONE_NEWTIME = 0x80,
    CLONE_VM = 0x100,
    CLONE_PIDFD = 0x1000,
    CLONE_VFORK = 0x4000,
    CLONE_PARENT = 0x8000,
    CLONE_NEWNS = 0x20000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_NEWCGROUP = 0x02000000,
    CLONE_NEWUTS = 0x04000000,
    CLONE_NEWIPC = 0x08000000,
    CLONE_NEWUSER = 0x10000000,
    CLONE_NEWPID = 0x20000000,
    CLONE_NEWNET = 0x40000000,
    CLONE_CLEAR_SIGHAND = 0x100000000,
    CLONE_INTO_CGROUP = 0x200000000,
}

/// <summary>struct clone_args, CLONE_ARGS_SIZE_VER2 (88 bytes, Linux 5.7).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CloneArgs
{
    public CloneFlags flags;
    public ulong pidfd;
    public ulong child_tid;
    public ulong parent_tid;
    public ulong exit_signal;
    public ulong stack;
    public ulong stack_size;
    public ulong tls;
    public ulong set_tid;
    public ulong set_tid_size;
    public ulong cgroup;
}
#pragma warning restore CS1591
