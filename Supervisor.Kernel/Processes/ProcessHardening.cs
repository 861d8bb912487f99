using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Processes;

/// <summary>Settings of a process before it spawns containers.</summary>
internal static class ProcessHardening
{
    private const int PR_SET_DUMPABLE = 4;

    /// <summary>
    /// Not dumpable: otherwise a process in a container with equal capabilities could open mem, maps and exe of a child of ours
    /// that enters the container and, while the child shares our memory, read ours (CVE-2016-9962). prctl(2).
    /// </summary>
    /// <param name="dumpable">True only while we must write a child's own files in /proc.</param>
    public static void Apply(bool dumpable = false)
    {
        if (Native.prctl(PR_SET_DUMPABLE, dumpable ? 1u : 0, 0, 0, 0) != 0)
            throw new SyscallException("prctl(PR_SET_DUMPABLE)", Errno.Last);
    }

    /// <summary>
    /// Orphaned descendants become our children, so that we can reap them. prctl(2), Linux 3.4.
    /// </summary>
    public static void BecomeSubreaper()
    {
        const int PR_SET_CHILD_SUBREAPER = 36;
        if (Native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
            throw new SyscallException("prctl(PR_SET_CHILD_SUBREAPER)", Errno.Last);
    }
}
