using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Processes;

/// <summary>What a process must be like before it gives birth to containers.</summary>
internal static class ProcessHardening
{
    private const int PR_SET_DUMPABLE = 4;

    /// <summary>
    /// Not dumpable: a process in a container with equal capabilities could else open mem, maps and exe of a child of
    /// ours that enters the container, and through shared memory ours (launch rule 4, CVE-2016-9962). prctl(2).
    /// </summary>
    /// <param name="dumpable">True for the moment in which a child's own files in /proc must be ours to write.</param>
    public static void Apply(bool dumpable = false)
    {
        if (Native.prctl(PR_SET_DUMPABLE, dumpable ? 1u : 0, 0, 0, 0) != 0)
            throw new SyscallException("prctl(PR_SET_DUMPABLE)", Errno.Last);
    }

    /// <summary>
    /// Orphans of our children become children of ours, so that their ends can be learned. prctl(2), Linux 3.4.
    /// </summary>
    public static void BecomeSubreaper()
    {
        const int PR_SET_CHILD_SUBREAPER = 36;
        if (Native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
            throw new SyscallException("prctl(PR_SET_CHILD_SUBREAPER)", Errno.Last);
    }
}
