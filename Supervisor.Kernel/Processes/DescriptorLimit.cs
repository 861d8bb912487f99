using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Processes;

/// <summary>
/// How many descriptors this process may have open (RLIMIT_NOFILE, getrlimit(2)). The last ones are not for new containers:
/// without a free one the process can accept no connection and open no log, and the .NET runtime aborts when it cannot open a
/// file of its own.
/// </summary>
public static unsafe class DescriptorLimit
{
    /// <summary>What a daemon or a shim itself has open, plus what a few simultaneous creations need.</summary>
    public const ulong Least = 512;

    private const int RLIMIT_NOFILE = 7;
    private const int Reserve = 160;

    private struct Limits
    {
        public ulong Soft, Hard;
    }

    /// <summary>The soft limit.</summary>
    public static ulong Current => Read().Soft;

    /// <summary>Raises the soft limit to the hard one, which the operator set.</summary>
    public static void Raise()
    {
        var limits = Read();
        if (limits.Soft < limits.Hard) _ = Set(limits with { Soft = limits.Hard });
    }

    /// <summary>Checks that enough descriptors are left for another container or process.</summary>
    /// <exception cref="DescriptorsExhaustedException">Too few are left.</exception>
    public static void CheckRoom()
    {
        var limit = Current;
        if (limit > int.MaxValue) return;
        // The kernel gives the lowest free number: if it is low, most are free, without counting.
        using (var lowest = Fd.DuplicateOf(AlwaysOpen))
            if ((ulong)lowest.Number < limit / 2 && limit / 2 > Reserve) return;
        var open = CountOpen();
        if (open + Reserve > limit)
            throw new DescriptorsExhaustedException(
                $"{open} of {limit} descriptors are open, and the last {Reserve} are reserved: remove containers, "
                    + "or start the daemon with a higher limit (ulimit -n, LimitNOFILE=)");
    }

    private const int AlwaysOpen = 2; // standard error

    /// <summary>How many are open: the directory's size since Linux 6.2, its entries before. proc_pid_fd(5).</summary>
    internal static ulong CountOpen()
    {
        using var directory = Fd.Open("/proc/self/fd", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        return FileStatus.SizeOf(directory) is > 0 and var size ? size : (ulong)DirectoryNames.Of(directory).Count;
    }

    private static Limits Read()
    {
        Limits limits;
        return (int)syscall(Syscall.prlimit64, 0, RLIMIT_NOFILE, null, &limits) == 0
            ? limits : throw new SyscallException("prlimit64", Errno.Last, "RLIMIT_NOFILE");
    }

    private static bool Set(Limits limits) => (int)syscall(Syscall.prlimit64, 0, RLIMIT_NOFILE, &limits, null) == 0;
}

/// <summary>Too few descriptors are left for a new container or process.</summary>
public sealed class DescriptorsExhaustedException(string message) : IOException(message);
