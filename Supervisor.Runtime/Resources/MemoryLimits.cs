using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Resources;

/// <summary>Memory limits, by the files of v1. Documentation/admin-guide/cgroup-v1/memory.rst.</summary>
internal static class MemoryLimitsV1
{
    private const string Limit = "memory.limit_in_bytes", WithSwap = "memory.memsw.limit_in_bytes";

    public static void Set(string directory, MemorySpec memory)
    {
        var (limit, swap) = (memory.Limit ?? 0, memory.Swap ?? 0);
        if (limit > 0 && memory.CheckBeforeUpdate is true
            && CgroupFile.TryReadNumber(directory + "/memory.usage_in_bytes") is ulong used && used > (ulong)limit)
            throw new CgroupException(
                directory + "/" + Limit, $"{limit}", Errno.EBUSY, $"{used} bytes are in use; a lower limit would kill processes");
        var accounted = CgroupFile.Exists(directory + "/" + WithSwap); // not with swapaccount=0
        if (limit == -1 && swap == 0 && accounted) swap = -1; // memory and swap together cannot stay below memory alone
        if (swap == -1 && !accounted) swap = 0;
        // limit <= memsw must hold after each write, so the order depends on the direction of the change.
        var rising = swap == -1 || swap > 0 && CgroupFile.TryReadNumber(directory + "/" + WithSwap) is ulong current
            && current < (ulong)swap;
        if (swap != 0 && rising) CgroupFile.Write(directory, WithSwap, $"{swap}");
        if (limit != 0) CgroupFile.Write(directory, Limit, $"{limit}");
        if (swap != 0 && !rising) CgroupFile.Write(directory, WithSwap, $"{swap}");
        if (memory.Reservation is not (null or 0))
            CgroupFile.Write(directory, "memory.soft_limit_in_bytes", $"{memory.Reservation}");
        if (memory.KernelTCP is not (null or 0))
            CgroupFile.Write(directory, "memory.kmem.tcp.limit_in_bytes", $"{memory.KernelTCP}");
        if (memory.Swappiness is not (null or ulong.MaxValue))
            CgroupFile.Write(directory, "memory.swappiness", $"{memory.Swappiness}");
        if (memory.DisableOomKiller is true) CgroupFile.Write(directory, "memory.oom_control", "1");
    }
}

/// <summary>Memory limits, by the files of v2. Documentation/admin-guide/cgroup-v2.rst.</summary>
internal static class MemoryLimitsV2
{
    public static void Set(string directory, MemorySpec memory, Action<string, string> notApplied)
    {
        var limit = memory.Limit ?? 0;
        if (limit > 0 && memory.CheckBeforeUpdate is true && CgroupFile.TryReadNumber(directory + "/memory.current") is ulong used
            && used > (ulong)limit)
            throw new CgroupException(
                directory + "/memory.max", $"{limit}", Errno.EBUSY,
                $"{used} bytes are in use; a lower limit would kill processes");
        if (Swap(directory, limit, memory.Swap ?? 0) is { } swap)
        {
            // Without swap accounting there is no limit to set; only one that would have had an effect is reported.
            if (CgroupFile.Exists(directory + "/memory.swap.max") || swap is not ("max" or "0"))
                CgroupFile.Write(directory, "memory.swap.max", swap);
        }
        if (limit != 0) CgroupFile.Write(directory, "memory.max", Bytes(limit));
        if (memory.Reservation is not (null or 0)) CgroupFile.Write(directory, "memory.low", Bytes(memory.Reservation.Value));
        if (memory.KernelTCP is not (null or 0)) notApplied("linux.resources.memory.kernelTCP", "cgroup v2 counts it as memory");
        if (memory.Swappiness is not (null or ulong.MaxValue))
            notApplied("linux.resources.memory.swappiness", "cgroup v2 has none");
        if (memory.DisableOomKiller is true) notApplied("linux.resources.memory.disableOOMKiller", "cgroup v2 cannot");
    }

    // The spec has memory plus swap, v2 only swap.
    private static string? Swap(string directory, long limit, long both)
    {
        if (both == -1 || both == 0 && limit == -1) return "max";
        if (both == 0) return null;
        var memory = limit > 0 ? (ulong)limit : CgroupFile.TryReadNumber(directory + "/memory.max") ?? ulong.MaxValue;
        if (memory > (ulong)both)
            throw new CgroupException(
                directory + "/memory.swap.max", $"{both}", Errno.EINVAL,
                "it is memory and swap together, and memory alone may be "
                + $"{(memory == ulong.MaxValue ? "without limit" : memory)}");
        return $"{(ulong)both - memory}";
    }

    private static string Bytes(long value) => value < 0 ? "max" : $"{value}";
}
