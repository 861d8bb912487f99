using Supervisor.Kernel.Cgroups;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// A cgroup's statistics as containerd's clients read them: io.containerd.cgroups.v1 or v2, as the host has. Clients read nested
/// messages without a check, so those are written also when they are empty.
/// </summary>
internal static class Metrics
{
    private static readonly string[] MemoryStatV1 =
    [
        "cache", "rss", "rss_huge", "mapped_file", "dirty", "writeback", "pgpgin", "pgpgout", "pgfault", "pgmajfault",
        "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable", "hierarchical_memory_limit",
        "hierarchical_memsw_limit", "total_cache", "total_rss", "total_rss_huge", "total_mapped_file", "total_dirty",
        "total_writeback", "total_pgpgin", "total_pgpgout", "total_pgfault", "total_pgmajfault", "total_inactive_anon",
        "total_active_anon", "total_inactive_file", "total_active_file", "total_unevictable",
    ];

    private static readonly string[] MemoryStatV2 =
    [
        "anon", "file", "kernel_stack", "slab", "sock", "shmem", "file_mapped", "file_dirty", "file_writeback", "anon_thp",
        "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable", "slab_reclaimable",
        "slab_unreclaimable", "pgfault", "pgmajfault", "workingset_refault_file", "workingset_activate_file",
        "workingset_nodereclaim", "pgrefill", "pgscan", "pgsteal", "pgactivate", "pgdeactivate", "pglazyfree", "pglazyfreed",
        "thp_fault_alloc", "thp_collapse_alloc",
    ];

    private static readonly string[] MemoryEvents = ["low", "high", "max", "oom", "oom_kill", "oom_group_kill"];

    public static AnyMessage Of(Cgroup cgroup)
    {
        var stats = cgroup.Stats();
        return cgroup.Paths.ContainsKey("memory")
            ? new AnyMessage("io.containerd.cgroups.v1.Metrics", V1(stats).Written.ToArray())
            : new AnyMessage("io.containerd.cgroups.v2.Metrics", V2(stats).Written.ToArray());
    }

    private static WireWriter V1(CgroupStats stats)
    {
        var metrics = new WireWriter();
        foreach (var (size, usage) in stats.Hugepages)
            metrics.Message(1, new WireWriter().Number(1, usage.Bytes).Number(2, usage.Highest ?? 0).Number(3, usage.Failures)
                .Text(4, size));
        metrics.Message(2, Pids(stats.Pids));
        var cpu = stats.Cpu;
        var usages = new WireWriter().Number(1, cpu?.TotalNanoseconds ?? 0).Number(2, cpu?.SystemNanoseconds ?? 0)
            .Number(3, cpu?.UserNanoseconds ?? 0);
        foreach (var one in cpu?.PerCpuNanoseconds ?? []) usages.Element(4, one);
        metrics.Message(3, new WireWriter().Message(1, usages).Message(2, new WireWriter().Number(1, cpu?.Periods ?? 0)
            .Number(2, cpu?.ThrottledPeriods ?? 0).Number(3, cpu?.ThrottledNanoseconds ?? 0)));
        var memory = Numbers(1, MemoryStatV1, stats.Memory?.Stat)
            .Message(33, Entry(stats.Memory?.Memory)).Message(34, Entry(stats.Memory?.MemoryAndSwap))
            .Message(35, Entry(stats.Memory?.Kernel)).Message(36, Entry(stats.Memory?.KernelTcp));
        metrics.Message(4, memory);
        var io = new WireWriter();
        foreach (var entry in stats.BlockIO)
        {
            if (entry.Bytes is { } bytes) io.Message(1, BlockIO(entry, bytes));
            if (entry.Operations is { } operations) io.Message(2, BlockIO(entry, operations));
        }
        return metrics.Message(5, io);
    }

    private static WireWriter V2(CgroupStats stats)
    {
        var metrics = new WireWriter().Message(1, Pids(stats.Pids));
        var cpu = stats.Cpu;
        metrics.Message(2, new WireWriter().Number(1, Microseconds(cpu?.TotalNanoseconds))
            .Number(2, Microseconds(cpu?.UserNanoseconds)).Number(3, Microseconds(cpu?.SystemNanoseconds))
            .Number(4, cpu?.Periods ?? 0).Number(5, cpu?.ThrottledPeriods ?? 0)
            .Number(6, Microseconds(cpu?.ThrottledNanoseconds)));
        var (memory, swap) = (stats.Memory?.Memory, stats.Memory?.Swap);
        metrics.Message(4, Numbers(1, MemoryStatV2, stats.Memory?.Stat).Number(32, memory?.Bytes ?? 0)
            .Number(33, memory is null ? 0 : memory.Limit ?? ulong.MaxValue).Number(34, swap?.Bytes ?? 0)
            .Number(35, swap is null ? 0 : swap.Limit ?? ulong.MaxValue).Number(36, memory?.Highest ?? 0)
            .Number(37, swap?.Highest ?? 0));
        var io = new WireWriter();
        foreach (var device in stats.BlockIO.GroupBy(e => (e.Major, e.Minor)))
            io.Message(1, new WireWriter().Number(1, device.Key.Major).Number(2, device.Key.Minor)
                .Number(3, Sum(device, "Read", e => e.Bytes)).Number(4, Sum(device, "Write", e => e.Bytes))
                .Number(5, Sum(device, "Read", e => e.Operations)).Number(6, Sum(device, "Write", e => e.Operations)));
        metrics.Message(6, io);
        foreach (var (size, usage) in stats.Hugepages)
            metrics.Message(7, new WireWriter().Number(1, usage.Bytes).Number(2, usage.Limit ?? ulong.MaxValue).Text(3, size)
                .Number(4, usage.Failures));
        return metrics.Message(8, Numbers(1, MemoryEvents, stats.Memory?.Events));
    }

    private static WireWriter Pids(PidsStats? pids) =>
        new WireWriter().Number(1, pids?.Current ?? 0).Number(2, pids?.Limit ?? 0);

    /// <summary>No limit is the largest number: clients treat a limit above the machine's memory as none, and 0 as 0.</summary>
    private static WireWriter Entry(MemoryUsage? usage) => new WireWriter()
        .Number(1, usage is null ? 0 : usage.Limit ?? ulong.MaxValue).Number(2, usage?.Bytes ?? 0)
        .Number(3, usage?.Highest ?? 0).Number(4, usage?.Failures ?? 0);

    private static WireWriter BlockIO(BlockIOEntry entry, ulong value) => new WireWriter().Text(1, entry.Operation)
        .Number(3, entry.Major).Number(4, entry.Minor).Number(5, value);

    /// <summary>Fields in a row, by the kernel's names.</summary>
    private static WireWriter Numbers(int first, string[] names, IReadOnlyDictionary<string, ulong>? values)
    {
        var message = new WireWriter();
        for (var i = 0; values is not null && i < names.Length; i++)
            message.Number(first + i, values.GetValueOrDefault(names[i]));
        return message;
    }

    private static ulong Microseconds(ulong? nanoseconds) => (nanoseconds ?? 0) / 1000;

    private static ulong Sum(IEnumerable<BlockIOEntry> entries, string operation, Func<BlockIOEntry, ulong?> value) =>
        entries.Where(e => e.Operation == operation).Aggregate(0UL, (sum, e) => sum + (value(e) ?? 0));
}
