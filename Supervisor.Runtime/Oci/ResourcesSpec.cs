using System.Text.Json.Serialization;

namespace Supervisor.Runtime.Oci;

/// <summary>Limits of a cgroup. Null or 0 leaves a value unchanged; -1, where a number is signed, removes the limit.</summary>
public sealed record ResourcesSpec
{
    /// <summary>The devices that may be used; later rules win.</summary>
    public IReadOnlyList<DeviceRuleSpec> Devices { get; init => field = value ?? []; } = [];

    /// <summary>Memory.</summary>
    public MemorySpec? Memory { get; init; }

    /// <summary>Processor time and placement.</summary>
    public CpuSpec? Cpu { get; init; }

    /// <summary>Number of processes.</summary>
    public PidsSpec? Pids { get; init; }

    /// <summary>Block devices.</summary>
    public BlockIOSpec? BlockIO { get; init; }

    /// <summary>Huge pages, by size.</summary>
    public IReadOnlyList<HugepageLimitSpec> HugepageLimits { get; init => field = value ?? []; } = [];

    /// <summary>Network class and priorities, cgroup v1.</summary>
    public NetworkSpec? Network { get; init; }

    /// <summary>RDMA limits, by device.</summary>
    public IReadOnlyDictionary<string, RdmaSpec> Rdma { get; init => field = value ?? NoRdma; } = NoRdma;

    private static IReadOnlyDictionary<string, RdmaSpec> NoRdma { get; } = new Dictionary<string, RdmaSpec>();

    /// <summary>cgroup v2 files and what to write in them.</summary>
    public IReadOnlyDictionary<string, string> Unified { get; init => field = value ?? Spec.Empty; } = Spec.Empty;
}

/// <summary>One rule of the devices controller. A missing number means all.</summary>
public sealed record DeviceRuleSpec
{
    /// <summary>Whether it allows or denies.</summary>
    public bool Allow { get; init; }

    /// <summary><c>a</c> (also when null), <c>c</c> or <c>b</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Null or -1 for all.</summary>
    public long? Major { get; init; }

    /// <summary>Null or -1 for all.</summary>
    public long? Minor { get; init; }

    /// <summary>Letters out of <c>rwm</c>; null for all.</summary>
    public string? Access { get; init; }
}

/// <summary>Memory limits, bytes.</summary>
public sealed record MemorySpec
{
    /// <summary>Hard limit.</summary>
    public long? Limit { get; init; }

    /// <summary>Soft limit: memory that reclaim leaves to the cgroup.</summary>
    public long? Reservation { get; init; }

    /// <summary>Memory and swap together.</summary>
    public long? Swap { get; init; }

    /// <summary>Kernel memory; the kernel dropped it in 5.16.</summary>
    public long? Kernel { get; init; }

    /// <summary>TCP buffers, cgroup v1.</summary>
    public long? KernelTCP { get; init; }

    /// <summary>0 to 100, cgroup v1; 2^64-1 (a caller's -1) leaves it unchanged.</summary>
    public ulong? Swappiness { get; init; }

    /// <summary>Whether processes wait instead of being killed when the limit is reached, cgroup v1.</summary>
    [JsonPropertyName("disableOOMKiller")]
    public bool? DisableOomKiller { get; init; }

    /// <summary>Hierarchical accounting, cgroup v1; always on since Linux 5.11.</summary>
    public bool? UseHierarchy { get; init; }

    /// <summary>Refuse a limit below the current usage instead of killing processes.</summary>
    public bool? CheckBeforeUpdate { get; init; }
}

/// <summary>Processor time and placement.</summary>
public sealed record CpuSpec
{
    /// <summary>Relative weight, 2 to 262144, default 1024.</summary>
    public ulong? Shares { get; init; }

    /// <summary>Microseconds per period; -1 for no limit.</summary>
    public long? Quota { get; init; }

    /// <summary>Microseconds of unused quota that may accumulate.</summary>
    public ulong? Burst { get; init; }

    /// <summary>Microseconds.</summary>
    public ulong? Period { get; init; }

    /// <summary>Microseconds of real-time scheduling per real-time period, cgroup v1.</summary>
    public long? RealtimeRuntime { get; init; }

    /// <summary>Microseconds, cgroup v1.</summary>
    public ulong? RealtimePeriod { get; init; }

    /// <summary>Processors, e.g. <c>0-2,7</c>.</summary>
    public string? Cpus { get; init; }

    /// <summary>Memory nodes, in the same form.</summary>
    public string? Mems { get; init; }

    /// <summary>1 for SCHED_IDLE.</summary>
    public long? Idle { get; init; }
}

/// <summary>Number of processes.</summary>
public sealed record PidsSpec
{
    /// <summary>Maximum, including the container's first; negative for no limit, null to leave it unchanged.</summary>
    public long? Limit { get; init; }
}

/// <summary>Limits on block devices.</summary>
public sealed record BlockIOSpec
{
    /// <summary>Relative weight, 10 to 1000.</summary>
    public ushort? Weight { get; init; }

    /// <summary>Weight against child cgroups, 10 to 1000, cgroup v1.</summary>
    public ushort? LeafWeight { get; init; }

    /// <summary>Weights by device.</summary>
    public IReadOnlyList<WeightDeviceSpec> WeightDevice { get; init => field = value ?? []; } = [];

    /// <summary>Bytes read per second.</summary>
    public IReadOnlyList<ThrottleDeviceSpec> ThrottleReadBpsDevice { get; init => field = value ?? []; } = [];

    /// <summary>Bytes written per second.</summary>
    public IReadOnlyList<ThrottleDeviceSpec> ThrottleWriteBpsDevice { get; init => field = value ?? []; } = [];

    /// <summary>Reads per second.</summary>
    [JsonPropertyName("throttleReadIOPSDevice")]
    public IReadOnlyList<ThrottleDeviceSpec> ThrottleReadIopsDevice { get; init => field = value ?? []; } = [];

    /// <summary>Writes per second.</summary>
    [JsonPropertyName("throttleWriteIOPSDevice")]
    public IReadOnlyList<ThrottleDeviceSpec> ThrottleWriteIopsDevice { get; init => field = value ?? []; } = [];
}

/// <summary>The weight of one block device.</summary>
public sealed record WeightDeviceSpec
{
    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>10 to 1000.</summary>
    public ushort? Weight { get; init; }

    /// <summary>10 to 1000, cgroup v1.</summary>
    public ushort? LeafWeight { get; init; }
}

/// <summary>The rate limit of one block device.</summary>
public sealed record ThrottleDeviceSpec
{
    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>Bytes or operations per second; 0 removes the limit.</summary>
    public ulong Rate { get; init; }
}

/// <summary>Network class and priorities. cgroup v1's net_cls and net_prio.</summary>
public sealed record NetworkSpec
{
    /// <summary>Class id for traffic control.</summary>
    public uint? ClassID { get; init; }

    /// <summary>By interface.</summary>
    public IReadOnlyList<InterfacePrioritySpec> Priorities { get; init => field = value ?? []; } = [];
}

/// <summary>The priority of one interface's traffic.</summary>
public sealed record InterfacePrioritySpec
{
    /// <summary>The interface, in the runtime's network namespace.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>The priority.</summary>
    public uint Priority { get; init; }
}

/// <summary>RDMA limits on one device.</summary>
public sealed record RdmaSpec
{
    /// <summary>Number of HCA handles; null for no limit.</summary>
    public uint? HcaHandles { get; init; }

    /// <summary>Number of HCA objects; null for no limit.</summary>
    public uint? HcaObjects { get; init; }
}

/// <summary>The limit for one size of huge page.</summary>
public sealed record HugepageLimitSpec
{
    /// <summary>E.g. <c>2MB</c>.</summary>
    public string PageSize { get; init => field = value ?? ""; } = "";

    /// <summary>Bytes.</summary>
    public ulong Limit { get; init; }
}
