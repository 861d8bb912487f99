namespace Supervisor.Kernel.Cgroups;

/// <summary>Reads the counters of a cgroup from either version's files. A removed cgroup has none.</summary>
internal sealed class StatsReader(Cgroup cgroup)
{
    private const ulong UnlimitedV1 = long.MaxValue - 0xffff; // v1 rounds 2^63-1 down to a page, of 64 KiB at most

    public CgroupStats Read() => new(Memory(), Pids(), Cpu(), BlockIO(), Hugepages(), Pressure());

    private MemoryStats? Memory()
    {
        if (cgroup.Find("memory") is not var (directory, isV2)) return null;
        var stat = Numbers(directory, "memory.stat");
        if (!isV2)
        {
            return UsageV1(directory, "memory") is { } all
                ? new MemoryStats(all, UsageV1(directory, "memory.memsw"), null, UsageV1(directory, "memory.kmem"),
                    UsageV1(directory, "memory.kmem.tcp"), stat, Numbers(directory, ""))
                : null;
        }
        var events = Numbers(directory, "memory.events");
        return UsageV2(directory, "memory.", events.GetValueOrDefault("max")) is { } memory
            ? new MemoryStats(memory, null,
                UsageV2(directory, "memory.swap.", Numbers(directory, "memory.swap.events").GetValueOrDefault("max")),
                null, null, stat, events)
            : null;
    }

    private PidsStats? Pids()
    {
        if (cgroup.Find("pids") is not { } pids || Number(pids.Path, "pids.current") is not ulong current) return null;
        return new PidsStats(current, Number(pids.Path, "pids.max") is ulong limit and not ulong.MaxValue ? limit : null);
    }

    private CpuStats? Cpu()
    {
        if (cgroup.Paths.TryGetValue("cpuacct", out var accounts) && Number(accounts, "cpuacct.usage") is ulong total)
        {
            var stat = cgroup.Paths.TryGetValue("cpu", out var cpu) ? Numbers(cpu, "cpu.stat") : Numbers(accounts, "");
            return new CpuStats(total, Number(accounts, "cpuacct.usage_user") ?? 0, Number(accounts, "cpuacct.usage_sys") ?? 0,
                CgroupText.List(CgroupFile.TryRead(accounts + "/cpuacct.usage_percpu")), stat.GetValueOrDefault("nr_periods"),
                stat.GetValueOrDefault("nr_throttled"), stat.GetValueOrDefault("throttled_time"));
        }
        // v2 has cpu.stat without the cpu controller too, but then without the lines about throttling.
        if (cgroup.V2Directory is not { } v2 || Numbers(v2, "cpu.stat") is not { Count: > 0 } unified) return null;
        return new CpuStats(Microseconds("usage_usec"), Microseconds("user_usec"), Microseconds("system_usec"), [],
            unified.GetValueOrDefault("nr_periods"), unified.GetValueOrDefault("nr_throttled"), Microseconds("throttled_usec"));

        ulong Microseconds(string name) => unified.GetValueOrDefault(name) * 1000;
    }

    private List<BlockIOEntry> BlockIO() => cgroup.Find("blkio", "io") switch
    {
        null => [],
        { IsV2: true } v2 => IOText.StatV2(CgroupFile.TryRead(v2.Path + "/io.stat")),
        var v1 => IOText.StatV1(
            CgroupFile.TryRead(v1.Path + "/blkio.throttle.io_service_bytes_recursive"),
            CgroupFile.TryRead(v1.Path + "/blkio.throttle.io_serviced_recursive")),
    };

    private Dictionary<string, MemoryUsage> Hugepages()
    {
        var sizes = new Dictionary<string, MemoryUsage>(StringComparer.Ordinal);
        if (cgroup.Find("hugetlb") is not var (directory, isV2) || !Directory.Exists(directory)) return sizes;
        foreach (var file in Directory.EnumerateFiles(directory, isV2 ? "hugetlb.*.current" : "hugetlb.*.usage_in_bytes"))
        {
            var parts = Path.GetFileName(file).Split('.');
            if (parts.Length != 3) continue; // hugetlb.2MB.rsvd.current: reservations
            var usage = isV2
                ? UsageV2(directory, $"hugetlb.{parts[1]}.", Numbers(directory, $"hugetlb.{parts[1]}.events")
                    .GetValueOrDefault("max"))
                : UsageV1(directory, $"hugetlb.{parts[1]}");
            if (usage is not null) sizes[parts[1]] = usage;
        }
        return sizes;
    }

    private Dictionary<string, PressureStats> Pressure()
    {
        var found = new Dictionary<string, PressureStats>(StringComparer.Ordinal);
        if (cgroup.V2Directory is not { } directory) return found;
        foreach (var resource in (string[])["cpu", "memory", "io"])
            if (PressureStats.Parse(CgroupFile.TryRead($"{directory}/{resource}.pressure")) is { } pressure)
                found[resource] = pressure;
        return found;
    }

    private static MemoryUsage? UsageV1(string directory, string prefix)
    {
        if (Number(directory, prefix + ".usage_in_bytes") is not ulong used) return null;
        var limit = Number(directory, prefix + ".limit_in_bytes");
        return new MemoryUsage(used, limit < UnlimitedV1 ? limit : null,
            Number(directory, prefix + ".max_usage_in_bytes"), Number(directory, prefix + ".failcnt") ?? 0);
    }

    private static MemoryUsage? UsageV2(string directory, string prefix, ulong failures)
    {
        if (Number(directory, prefix + "current") is not ulong used) return null;
        return new MemoryUsage(used, Number(directory, prefix + "max") is ulong limit and not ulong.MaxValue ? limit : null,
            Number(directory, prefix + "peak"), failures);
    }

    private static ulong? Number(string directory, string file) => CgroupFile.TryReadNumber(directory + "/" + file);

    private static IReadOnlyDictionary<string, ulong> Numbers(string directory, string file) =>
        CgroupText.Numbers(file.Length == 0 ? null : CgroupFile.TryRead(directory + "/" + file));
}
