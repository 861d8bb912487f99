using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Processes;

/// <summary>
/// How many descriptors this process may have open (RLIMIT_NOFILE, getrlimit(2)). The last ones are not for new containers:
/// without one
/// nobody can be answered, no log opened, and the runtime itself ends when it cannot open a file of its own.
/// </summary>
public static unsafe class DescriptorLimit
{
    /// <summary>What a daemon or a shim has open by itself, and what a few creations at once have open for a moment.</summary>
    public const ulong Least = 512;

    private const int RLIMIT_NOFILE = 7;
    private const int Reserve = 160;

    private struct Limits
    {
        public ulong Soft, Hard;
    }

    /// <summary>The soft limit.</summary>
    public static ulong Current => Read().Soft;

    /// <summary>Raises the soft limit to the hard one, which is the operator's word.</summary>
    public static void Raise()
    {
        var limits = Read();
        if (limits.Soft < limits.Hard) _ = Set(limits with { Soft = limits.Hard });
    }

    /// <summary>That another container, or process of one, leaves enough of them.</summary>
    /// <exception cref="DescriptorsExhaustedException">It would not.</exception>
    public static void CheckRoom()
    {
        var limit = Current;
        if (limit > int.MaxValue) return;
        // The kernel gives the lowest free number: a low one shows, without counting, that most are free.
        using (var lowest = Kernel.Files.Fd.DuplicateOf(AlwaysOpen))
            if ((ulong)lowest.Number < limit / 2 && limit / 2 > Reserve) return;
        var open = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        if ((ulong)open + Reserve > limit)
            throw new DescriptorsExhaustedException(
                $"{open} of {limit} descriptors are open, and the last {Reserve} are kept for what runs: remove containers, "
                    + "or start the daemon with a higher limit (ulimit -n, LimitNOFILE=)");
    }

    private const int AlwaysOpen = 2; // standard error

    private static Limits Read()
    {
        Limits limits;
        return (int)syscall(Syscall.prlimit64, 0, RLIMIT_NOFILE, null, &limits) == 0
            ? limits : throw new SyscallException("prlimit64", Errno.Last, "RLIMIT_NOFILE");
    }

    private static bool Set(Limits limits) => (int)syscall(Syscall.prlimit64, 0, RLIMIT_NOFILE, &limits, null) == 0;
}

/// <summary>Too few descriptors are left to make anything new.</summary>
public sealed class DescriptorsExhaustedException(string message) : IOException(message);
