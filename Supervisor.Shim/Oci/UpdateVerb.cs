using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Shim.Oci;

/// <summary><c>update</c>: changes the limits of a live container.</summary>
internal static class UpdateVerb
{
    public static readonly Verb Verb = new("update", "ID", "change the limits of a container",
    [
        Flag.Value("resources r", "file with the new limits in JSON, - for standard input; overrides the other flags"),
        Flag.Value("blkio-weight", "10 to 1000"),
        Flag.Value("cpu-period", "microseconds"),
        Flag.Value("cpu-quota", "microseconds in a period"),
        Flag.Value("cpu-burst", "microseconds that may accumulate"),
        Flag.Value("cpu-share", "relative weight"),
        Flag.Value("cpu-rt-period", "microseconds"),
        Flag.Value("cpu-rt-runtime", "microseconds in a real-time period"),
        Flag.Value("cpu-idle", "1 for SCHED_IDLE"),
        Flag.Value("cpuset-cpus", "processors"),
        Flag.Value("cpuset-mems", "memory nodes"),
        Flag.Value("kernel-memory", "obsolete: no effect"),
        Flag.Value("kernel-memory-tcp", "obsolete: no effect"),
        Flag.Value("memory", "bytes"),
        Flag.Value("memory-reservation", "bytes"),
        Flag.Value("memory-swap", "bytes of memory and swap; -1 for no limit"),
        Flag.Value("pids-limit", "number of processes; -1 for no limit"),
        Flag.Value("l3-cache-schema", "Intel RDT"),
        Flag.Value("mem-bw-schema", "Intel RDT"),
    ], 1, 1, Run);

    private static int Run(Invocation invocation)
    {
        using var only = invocation.Store.Lock(invocation.Id);
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        live.Running();
        var arguments = invocation.Arguments;
        if (arguments.Has("l3-cache-schema") || arguments.Has("mem-bw-schema"))
            throw new OciException("Intel RDT: this container has no resctrl group");
        if (arguments.Has("kernel-memory") || arguments.Has("kernel-memory-tcp"))
            Log.Warning("Kernel memory settings are ignored and will be removed");
        var resources = arguments.Text("resources") is { Length: > 0 } file
            ? SpecReader.ReadResources(Read(file)) : From(arguments);
        foreach (var field in CgroupLimits.Update(live.Cgroup, resources)) Log.Warning($"{field.Field}: {field.Reason}");
        return 0;
    }

    private static byte[] Read(string file)
    {
        if (file is not "-") return File.ReadAllBytes(file);
        using var input = new FileStream(
            new Microsoft.Win32.SafeHandles.SafeFileHandle(0, ownsHandle: false), FileAccess.Read, 0);
        using var all = new MemoryStream();
        var buffer = new byte[4096];
        for (int got; (got = input.Read(buffer)) > 0 && all.Length <= SpecReader.LargestDocument;) all.Write(buffer, 0, got);
        return all.ToArray();
    }

    internal static ResourcesSpec From(Arguments a)
    {
        if (a.Number("blkio-weight") is < 0 or > ushort.MaxValue)
            throw new OciException("--blkio-weight is not within 10 to 1000");
        return new ResourcesSpec
        {
            BlockIO = a.Number("blkio-weight") is { } weight and not 0 ? new BlockIOSpec { Weight = (ushort)weight } : null,
            Cpu = new CpuSpec
            {
                Period = Unsigned("cpu-period"), Quota = a.Number("cpu-quota"), Burst = Unsigned("cpu-burst"),
                Shares = Unsigned("cpu-share"),
                RealtimePeriod = Unsigned("cpu-rt-period"), RealtimeRuntime = a.Number("cpu-rt-runtime"),
                Idle = a.Number("cpu-idle"),
                Cpus = a.Text("cpuset-cpus"), Mems = a.Text("cpuset-mems"),
            },
            Memory = new MemorySpec {
                Limit = Bytes("memory"), Reservation = Bytes("memory-reservation"), Swap = Bytes("memory-swap") },
            Pids = a.Number("pids-limit") is { } pids ? new PidsSpec { Limit = pids } : null,
        };

        ulong? Unsigned(string name) => a.Number(name) is { } number
            ? number >= 0 ? (ulong)number : throw new OciException($"invalid value {number} for --{name}") : null;

        long? Bytes(string name) => a.Text(name) is { Length: > 0 } text ? ByteCount.Parse(text, name) : null;
    }
}
