using System.Globalization;
using System.Text.Json;
using Io.Containerd.Cgroups.V2;
using Supervisor.Cli.Output;
using Supervisor.Client;

namespace Supervisor.Cli.Running;

/// <summary>What a container uses, as text with docker's names of fields, and in numbers.</summary>
internal static class StatsRow
{
    private const string Nothing = "-";

    /// <summary>docker's names of fields that are one field here.</summary>
    public static readonly IReadOnlyDictionary<string, string> Aliases =
        new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = "id", ["container"] = "id" };

    /// <summary>docker's headings of columns, by the names of fields in upper case.</summary>
    public static readonly IReadOnlyDictionary<string, string> Headings = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["CPUPERC"] = "CPU %", ["MEMUSAGE"] = "MEM USAGE / LIMIT", ["MEMPERC"] = "MEM %", ["BLOCKIO"] = "BLOCK I/O",
        ["PSI"] = "PSI CPU/MEM/IO",
    };

    /// <summary>One object, on one line.</summary>
    /// <param name="before">An earlier measurement, for the CPU; null for none.</param>
    /// <param name="now">Null for a container that does not run.</param>
    public static string Json(string id, TaskStats? before, TaskStats? now)
    {
        var cpu = now is null || before is null || now.At <= before.At
            ? (double?)null : (now.CpuTime - before.CpuTime).TotalSeconds / (now.At - before.At).TotalSeconds;
        var (read, written) = BlockIO(now);
        var limit = Limit(now);
        return JsonOutput.Render(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("id", id);
                json.WriteString("cpuPerc", Percent(cpu));
                json.WriteString("memUsage",
                    now is null ? Nothing : $"{Size.Of(now.MemoryBytes)} / {(limit is { } bytes ? Size.Of(bytes) : Nothing)}");
                json.WriteString("memPerc", Percent((double?)now?.MemoryBytes / limit));
                json.WriteString("blockIO", now is null ? Nothing : $"{Size.Of(read)} / {Size.Of(written)}");
                json.WriteString("pids", now is null ? Nothing : $"{now.Pids}");
                json.WriteString("psi", Pressure(now?.V2));
                Number(json, "cpu", cpu);
                Number(json, "memoryBytes", now?.MemoryBytes);
                Number(json, "memoryLimitBytes", limit);
                Number(json, "readBytes", now is null ? null : read);
                Number(json, "writtenBytes", now is null ? null : written);
                json.WriteEndObject();
            },
            indented: false);
    }

    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    private static (ulong Read, ulong Written) BlockIO(TaskStats? stats)
    {
        if (stats?.V2?.Io is { } io)
            return (Sum(io.Usage, e => e.Rbytes), Sum(io.Usage, e => e.Wbytes));
        var entries = stats?.V1?.Blkio?.IoServiceBytesRecursive ?? [];
        return (Sum(entries.Where(e => e.Op is "Read"), e => e.Value), Sum(entries.Where(e => e.Op is "Write"), e => e.Value));

        static ulong Sum<T>(IEnumerable<T> entries, Func<T, ulong> value) => entries.Aggregate(0UL, (sum, e) => sum + value(e));
    }

    private static ulong? Limit(TaskStats? stats) =>
        (stats?.V2?.Memory?.UsageLimit ?? stats?.V1?.Memory?.Usage?.Limit) is { } limit
        && limit is > 0 and < long.MaxValue / 4096 * 4096 // cgroup v1's word for no limit
            ? limit : null;

    /// <summary>The share of the last ten seconds in which some process waited.</summary>
    private static string Pressure(Metrics? metrics) =>
        metrics is { Cpu.Psi.Some: { } cpu, Memory.Psi.Some: { } memory, Io.Psi.Some: { } io }
            ? $"{Avg(cpu)} / {Avg(memory)} / {Avg(io)}" : Nothing;

    private static string Avg(PSIData data) => data.Avg10.ToString("0.00", CultureInfo.InvariantCulture) + "%";

    private static string Percent(double? share) =>
        share is { } value ? (value * 100).ToString("0.00", CultureInfo.InvariantCulture) + "%" : Nothing;
}
