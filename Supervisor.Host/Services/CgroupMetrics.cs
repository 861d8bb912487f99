using Google.Protobuf;
using Supervisor.Kernel.Cgroups;
using CgroupV1 = Io.Containerd.Cgroups.V1;
using CgroupV2 = Io.Containerd.Cgroups.V2;

namespace Supervisor.Host.Services;

/// <summary>
/// A cgroup's statistics as containerd's clients read them: v1 or v2 messages, as the host has. Clients dereference nested
/// messages without a check, so those that they read are always set.
/// </summary>
internal static class CgroupMetrics
{
    /// <param name="isV2">The memory controller is v2's.</param>
    public static IMessage Of(CgroupStats stats, bool isV2) => isV2 ? OfV2(stats) : OfV1(stats);

    private static CgroupV1.Metrics OfV1(CgroupStats stats)
    {
        var (cpu, memory) = (stats.Cpu, stats.Memory);
        var stat = memory?.Stat ?? new Dictionary<string, ulong>();
        return new CgroupV1.Metrics
        {
            Pids = new CgroupV1.PidsStat { Current = stats.Pids?.Current ?? 0, Limit = stats.Pids?.Limit ?? 0 },
            Cpu = new CgroupV1.CPUStat
            {
                Usage = new CgroupV1.CPUUsage
                {
                    Total = cpu?.TotalNanoseconds ?? 0,
                    User = cpu?.UserNanoseconds ?? 0,
                    Kernel = cpu?.SystemNanoseconds ?? 0,
                    PerCpu = { cpu?.PerCpuNanoseconds ?? [] },
                },
                Throttling = new CgroupV1.Throttle
                {
                    Periods = cpu?.Periods ?? 0, ThrottledPeriods = cpu?.ThrottledPeriods
                        ?? 0, ThrottledTime = cpu?.ThrottledNanoseconds ?? 0,
                },
            },
            Memory = new CgroupV1.MemoryStat
            {
                Usage = Entry(memory?.Memory),
                Swap = Entry(memory?.MemoryAndSwap),
                Kernel = Entry(memory?.Kernel),
                KernelTcp = Entry(memory?.KernelTcp),
                Cache = S("cache"), Rss = S("rss"), RssHuge = S("rss_huge"), MappedFile = S("mapped_file"), Dirty = S("dirty"),
                Writeback = S("writeback"), PgPgIn = S("pgpgin"), PgPgOut = S("pgpgout"), PgFault = S("pgfault"),
                PgMajFault = S("pgmajfault"),
                InactiveAnon = S("inactive_anon"), ActiveAnon = S("active_anon"), InactiveFile = S("inactive_file"),
                ActiveFile = S("active_file"), Unevictable = S("unevictable"),
                HierarchicalMemoryLimit = S("hierarchical_memory_limit"), HierarchicalSwapLimit = S("hierarchical_memsw_limit"),
                TotalCache = S("total_cache"), TotalRss = S("total_rss"), TotalRssHuge = S("total_rss_huge"),
                TotalMappedFile = S("total_mapped_file"), TotalDirty = S("total_dirty"), TotalWriteback = S("total_writeback"),
                TotalPgPgIn = S("total_pgpgin"), TotalPgPgOut = S("total_pgpgout"), TotalPgFault = S("total_pgfault"),
                TotalPgMajFault = S("total_pgmajfault"), TotalInactiveAnon = S("total_inactive_anon"),
                TotalActiveAnon = S("total_active_anon"),
                TotalInactiveFile = S("total_inactive_file"), TotalActiveFile = S("total_active_file"),
                TotalUnevictable = S("total_unevictable"),
            },
            Blkio = new CgroupV1.BlkIOStat
            {
                IoServiceBytesRecursive =
                    { stats.BlockIO.Where(e => e.Bytes is not null).Select(e => BlockIO(e, e.Bytes!.Value)) },
                IoServicedRecursive =
                    { stats.BlockIO.Where(e => e.Operations is not null).Select(e => BlockIO(e, e.Operations!.Value)) },
            },
            Hugetlb = { stats.Hugepages.Select(
                h => new CgroupV1.HugetlbStat {
                Pagesize = h.Key, Usage = h.Value.Bytes, Max = h.Value.Highest ?? 0, Failcnt = h.Value.Failures }) },
        };

        ulong S(string name) => stat.GetValueOrDefault(name);
        static CgroupV1.BlkIOEntry BlockIO(BlockIOEntry e, ulong value) =>
            new() { Op = e.Operation, Major = e.Major, Minor = e.Minor, Value = value };
    }

    /// <summary>No limit is the largest number: clients treat a limit above the machine's memory as none, and 0 as 0.</summary>
    private static CgroupV1.MemoryEntry Entry(MemoryUsage? usage) => new()
    {
        Usage = usage?.Bytes ?? 0, Limit = usage is null
            ? 0 : usage.Limit ?? ulong.MaxValue, Max = usage?.Highest ?? 0, Failcnt = usage?.Failures ?? 0,
    };

    private static CgroupV2.Metrics OfV2(CgroupStats stats)
    {
        var (cpu, memory) = (stats.Cpu, stats.Memory);
        var stat = memory?.Stat ?? new Dictionary<string, ulong>();
        var events = memory?.Events ?? new Dictionary<string, ulong>();
        var io = stats.BlockIO.GroupBy(e => (e.Major, e.Minor)).Select(device => new CgroupV2.IOEntry
        {
            Major = device.Key.Major, Minor = device.Key.Minor,
            Rbytes = Sum(device, "Read", e => e.Bytes), Wbytes = Sum(device, "Write", e => e.Bytes),
            Rios = Sum(device, "Read", e => e.Operations), Wios = Sum(device, "Write", e => e.Operations),
        });
        return new CgroupV2.Metrics
        {
            Pids = new CgroupV2.PidsStat { Current = stats.Pids?.Current ?? 0, Limit = stats.Pids?.Limit ?? 0 },
            Cpu = new CgroupV2.CPUStat
            {
                UsageUsec = (cpu?.TotalNanoseconds ?? 0) / 1000, UserUsec = (cpu?.UserNanoseconds ?? 0) / 1000,
                SystemUsec = (cpu?.SystemNanoseconds ?? 0) / 1000, NrPeriods = cpu?.Periods ?? 0,
                NrThrottled = cpu?.ThrottledPeriods ?? 0, ThrottledUsec = (cpu?.ThrottledNanoseconds ?? 0) / 1000,
                Psi = Psi("cpu"),
            },
            Memory = new CgroupV2.MemoryStat
            {
                Anon = S("anon"), File = S("file"), KernelStack = S("kernel_stack"), Slab = S("slab"), Sock = S("sock"),
                Shmem = S("shmem"),
                FileMapped = S("file_mapped"), FileDirty = S("file_dirty"), FileWriteback = S("file_writeback"),
                AnonThp = S("anon_thp"),
                InactiveAnon = S("inactive_anon"), ActiveAnon = S("active_anon"), InactiveFile = S("inactive_file"),
                ActiveFile = S("active_file"), Unevictable = S("unevictable"), SlabReclaimable = S("slab_reclaimable"),
                SlabUnreclaimable = S("slab_unreclaimable"), Pgfault = S("pgfault"), Pgmajfault = S("pgmajfault"),
                WorkingsetRefault = S("workingset_refault_file"), WorkingsetActivate = S("workingset_activate_file"),
                WorkingsetNodereclaim = S("workingset_nodereclaim"), Pgrefill = S("pgrefill"), Pgscan = S("pgscan"),
                Pgsteal = S("pgsteal"),
                Pgactivate = S("pgactivate"), Pgdeactivate = S("pgdeactivate"), Pglazyfree = S("pglazyfree"),
                Pglazyfreed = S("pglazyfreed"),
                ThpFaultAlloc = S("thp_fault_alloc"), ThpCollapseAlloc = S("thp_collapse_alloc"),
                Usage = memory?.Memory.Bytes ?? 0, UsageLimit = memory is null ? 0 : memory.Memory.Limit ?? ulong.MaxValue,
                MaxUsage = memory?.Memory.Highest ?? 0,
                SwapUsage = memory?.Swap?.Bytes ?? 0, SwapLimit = memory?.Swap is { } swap ? swap.Limit ?? ulong.MaxValue : 0,
                SwapMaxUsage = memory?.Swap?.Highest ?? 0, Psi = Psi("memory"),
            },
            MemoryEvents = new CgroupV2.MemoryEvents
            {
                Low = Event("low"), High = Event("high"), Max = Event("max"), Oom = Event("oom"), OomKill = Event("oom_kill"),
                OomGroupKill = Event("oom_group_kill"),
            },
            Io = new CgroupV2.IOStat { Usage = { io }, Psi = Psi("io") },
            Hugetlb = { stats.Hugepages.Select(
                h => new CgroupV2.HugeTlbStat {
                Pagesize = h.Key, Current = h.Value.Bytes, Max = h.Value.Limit ?? ulong.MaxValue, Failcnt = h.Value.Failures }) },
        };

        ulong S(string name) => stat.GetValueOrDefault(name);
        CgroupV2.PSIStats? Psi(string resource) => stats.Pressure.TryGetValue(resource, out var pressure)
            ? new CgroupV2.PSIStats { Some = Data(pressure.Some), Full = pressure.Full is { } full ? Data(full) : null } : null;
        static CgroupV2.PSIData Data(Pressure p) =>
            new() { Avg10 = p.Avg10, Avg60 = p.Avg60, Avg300 = p.Avg300, Total = p.TotalMicroseconds };
        ulong Event(string name) => events.GetValueOrDefault(name);
        static ulong Sum(IEnumerable<BlockIOEntry> entries, string operation, Func<BlockIOEntry, ulong?> value) =>
            entries.Where(e => e.Operation == operation).Aggregate(0UL, (sum, e) => sum + (value(e) ?? 0));
    }
}
