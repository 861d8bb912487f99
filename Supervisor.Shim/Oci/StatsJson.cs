using System.Text;
using System.Text.Json;
using Supervisor.Kernel.Cgroups;

namespace Supervisor.Shim.Oci;

/// <summary>A cgroup's usage, with the names of runc's <c>events --stats</c>.</summary>
internal static class StatsJson
{
    /// <summary>One line.</summary>
    public static string Of(string id, CgroupStats stats)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", "stats");
            json.WriteString("id", id);
            json.WriteStartObject("data");
            Cpu(json, stats.Cpu);
            Memory(json, stats.Memory);
            json.WriteStartObject("pids");
            if (stats.Pids is { } pids)
            {
                json.WriteNumber("current", pids.Current);
                if (pids.Limit is { } limit) json.WriteNumber("limit", limit);
            }
            json.WriteEndObject();
            BlockIO(json, stats.BlockIO);
            json.WriteStartObject("hugetlb");
            foreach (var (size, usage) in stats.Hugepages) Usage(json, size, usage);
            json.WriteEndObject();
            json.WriteStartObject("intel_rdt");
            json.WriteEndObject();
            json.WriteNull("network_interfaces");
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static void Cpu(Utf8JsonWriter json, CpuStats? cpu)
    {
        json.WriteStartObject("cpu");
        json.WriteStartObject("usage");
        if (cpu is not null)
        {
            json.WriteNumber("total", cpu.TotalNanoseconds);
            if (cpu.PerCpuNanoseconds.Count > 0)
            {
                json.WriteStartArray("percpu");
                foreach (var one in cpu.PerCpuNanoseconds) json.WriteNumberValue(one);
                json.WriteEndArray();
            }
            json.WriteNumber("kernel", cpu.SystemNanoseconds);
            json.WriteNumber("user", cpu.UserNanoseconds);
        }
        json.WriteEndObject();
        json.WriteStartObject("throttling");
        if (cpu is { Periods: > 0 })
        {
            json.WriteNumber("periods", cpu.Periods);
            json.WriteNumber("throttledPeriods", cpu.ThrottledPeriods);
            json.WriteNumber("throttledTime", cpu.ThrottledNanoseconds);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Memory(Utf8JsonWriter json, MemoryStats? memory)
    {
        json.WriteStartObject("memory");
        if (memory is not null)
        {
            if (memory.Stat.TryGetValue("total_cache", out var cache) || memory.Stat.TryGetValue("file", out cache))
                json.WriteNumber("cache", cache);
            Usage(json, "usage", memory.Memory);
            if ((memory.MemoryAndSwap ?? memory.Swap) is { } swap) Usage(json, "swap", swap);
            if (memory.Kernel is { } kernel) Usage(json, "kernel", kernel);
            if (memory.KernelTcp is { } tcp) Usage(json, "kernelTCP", tcp);
            json.WriteStartObject("raw");
            foreach (var (name, value) in memory.Stat) json.WriteNumber(name, value);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Usage(Utf8JsonWriter json, string name, MemoryUsage usage)
    {
        json.WriteStartObject(name);
        json.WriteNumber("limit", usage.Limit ?? ulong.MaxValue);
        json.WriteNumber("usage", usage.Bytes);
        if (usage.Highest is { } highest) json.WriteNumber("max", highest);
        json.WriteNumber("failcnt", usage.Failures);
        json.WriteEndObject();
    }

    private static void BlockIO(Utf8JsonWriter json, IReadOnlyList<BlockIOEntry> entries)
    {
        json.WriteStartObject("blkio");
        Entries("ioServiceBytesRecursive", e => e.Bytes);
        Entries("ioServicedRecursive", e => e.Operations);
        json.WriteEndObject();

        void Entries(string name, Func<BlockIOEntry, ulong?> value)
        {
            if (entries.All(e => value(e) is null)) return;
            json.WriteStartArray(name);
            foreach (var entry in entries)
            {
                if (value(entry) is not { } number) continue;
                json.WriteStartObject();
                json.WriteNumber("major", entry.Major);
                json.WriteNumber("minor", entry.Minor);
                json.WriteString("op", entry.Operation);
                json.WriteNumber("value", number);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
    }
}
