namespace Supervisor.Runtime.Oci;

/// <summary>The Linux-specific part of a spec.</summary>
public sealed record LinuxSpec
{
    /// <summary>Namespaces to make or join; a kind not listed is shared with the runtime.</summary>
    public IReadOnlyList<NamespaceSpec> Namespaces { get; init => field = value ?? []; } = [];

    /// <summary>User ids of a new user namespace.</summary>
    public IReadOnlyList<IdMappingSpec> UidMappings { get; init => field = value ?? []; } = [];

    /// <summary>Group ids of a new user namespace.</summary>
    public IReadOnlyList<IdMappingSpec> GidMappings { get; init => field = value ?? []; } = [];

    /// <summary>Clock offsets of a new time namespace, by <c>monotonic</c> and <c>boottime</c>.</summary>
    public IReadOnlyDictionary<string, TimeOffsetSpec> TimeOffsets { get; init => field = value ?? NoOffsets; } = NoOffsets;

    /// <summary>Device nodes to create, besides the default ones.</summary>
    public IReadOnlyList<DeviceSpec> Devices { get; init => field = value ?? []; } = [];

    /// <summary>Absolute: from the cgroup mount's root. Relative: below the runtime's own place for containers.</summary>
    public string? CgroupsPath { get; init; }

    /// <summary>Limits of the cgroup.</summary>
    public ResourcesSpec? Resources { get; init; }

    /// <summary>Propagation of the root mount: <c>private</c>, <c>rslave</c> and so on.</summary>
    public string? RootfsPropagation { get; init; }

    /// <summary>Absolute paths that appear empty.</summary>
    public IReadOnlyList<string> MaskedPaths { get; init => field = value ?? []; } = [];

    /// <summary>Absolute paths that are read-only.</summary>
    public IReadOnlyList<string> ReadonlyPaths { get; init => field = value ?? []; } = [];

    /// <summary>Kernel parameters of the container's namespaces; <see cref="SysctlRules"/> says which.</summary>
    public IReadOnlyDictionary<string, string> Sysctl { get; init => field = value ?? Spec.Empty; } = Spec.Empty;

    /// <summary>SELinux label of mounts.</summary>
    public string? MountLabel { get; init; }

    /// <summary>System call filter.</summary>
    public SeccompSpec? Seccomp { get; init; }

    /// <summary>Cache and memory bandwidth allocation.</summary>
    public IntelRdtSpec? IntelRdt { get; init; }

    /// <summary>Execution domain.</summary>
    public PersonalitySpec? Personality { get; init; }

    /// <summary>Network devices to move in, by their names on the host (specification 1.3).</summary>
    public IReadOnlyDictionary<string, NetDeviceSpec> NetDevices { get; init => field = value ?? NoDevices; } = NoDevices;

    /// <summary>NUMA policy (specification 1.3).</summary>
    public MemoryPolicySpec? MemoryPolicy { get; init; }

    private static IReadOnlyDictionary<string, NetDeviceSpec> NoDevices { get; } = new Dictionary<string, NetDeviceSpec>();

    private static IReadOnlyDictionary<string, TimeOffsetSpec> NoOffsets { get; } = new Dictionary<string, TimeOffsetSpec>();
}

/// <summary>A network device to move in.</summary>
public sealed record NetDeviceSpec
{
    /// <summary>Its name in the container; null to keep it.</summary>
    public string? Name { get; init; }
}

/// <summary>set_mempolicy(2).</summary>
public sealed record MemoryPolicySpec
{
    /// <summary>E.g. <c>MPOL_BIND</c>.</summary>
    public string Mode { get; init => field = value ?? ""; } = "";

    /// <summary>Nodes, e.g. <c>0-2,7</c>.</summary>
    public string? Nodes { get; init; }

    /// <summary>E.g. <c>MPOL_F_STATIC_NODES</c>.</summary>
    public IReadOnlyList<string> Flags { get; init => field = value ?? []; } = [];
}

/// <summary>personality(2).</summary>
public sealed record PersonalitySpec
{
    /// <summary><c>LINUX</c> or <c>LINUX32</c>.</summary>
    public string Domain { get; init => field = value ?? ""; } = "";

    /// <summary>None is defined.</summary>
    public IReadOnlyList<string> Flags { get; init => field = value ?? []; } = [];
}

/// <summary>resctrl: Documentation/filesystems/resctrl.rst.</summary>
public sealed record IntelRdtSpec
{
    /// <summary>Class of service, a directory of resctrl; null for one of the container's own.</summary>
    public string? ClosID { get; init; }

    /// <summary>A line of <c>schemata</c>.</summary>
    public string? L3CacheSchema { get; init; }

    /// <summary>A line of <c>schemata</c>.</summary>
    public string? MemBwSchema { get; init; }
}

/// <summary>A namespace to create or to join.</summary>
public sealed record NamespaceSpec
{
    /// <summary>One of <see cref="NamespaceKind"/>.</summary>
    public string Type { get; init => field = value ?? ""; } = "";

    /// <summary>Absolute path of a namespace file to join; null or empty to create one.</summary>
    public string? Path { get; init; }
}

/// <summary>Values of <see cref="NamespaceSpec.Type"/>. namespaces(7).</summary>
public static class NamespaceKind
{
#pragma warning disable CS1591 // The specification's own names.
    public const string Pid = "pid", Network = "network", Mount = "mount", Ipc = "ipc", Uts = "uts", User = "user",
        Cgroup = "cgroup", Time = "time";
#pragma warning restore CS1591

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Pid, Network, Mount, Ipc, Uts, User, Cgroup, Time];
}

/// <summary>The offset of a clock in a time namespace. time_namespaces(7).</summary>
public sealed record TimeOffsetSpec
{
    /// <summary>Whole seconds.</summary>
    public long Secs { get; init; }

    /// <summary>Nanoseconds.</summary>
    public uint Nanosecs { get; init; }
}

/// <summary>A device node to create. mknod(2).</summary>
public sealed record DeviceSpec
{
    /// <summary><c>c</c>, <c>b</c>, <c>u</c> (as <c>c</c>) or <c>p</c>.</summary>
    public string Type { get; init => field = value ?? ""; } = "";

    /// <summary>Absolute path inside the container.</summary>
    public string Path { get; init => field = value ?? ""; } = "";

    /// <summary>Major number; ignored for <c>p</c>.</summary>
    public long Major { get; init; }

    /// <summary>Minor number; ignored for <c>p</c>.</summary>
    public long Minor { get; init; }

    /// <summary>Permission bits; null for 0666. Some callers send type bits as well: use the low twelve.</summary>
    public uint? FileMode { get; init; }

    /// <summary>Owner; null for root.</summary>
    public uint? Uid { get; init; }

    /// <summary>Group; null for root.</summary>
    public uint? Gid { get; init; }
}
