using System.Text.Json;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// A container's <c>config.json</c> according to the OCI runtime specification 1.2 (Linux parts; properties that it does not
/// define are ignored, as it demands). Lists and maps are never null: absent and empty mean the same.
/// </summary>
public sealed record Spec
{
    /// <summary>Version of the specification that the document follows, e.g. <c>1.2.0</c>.</summary>
    public string OciVersion { get; init => field = value ?? ""; } = "";

    /// <summary>The container's process; the specification allows null until start, no known client uses that.</summary>
    public ProcessSpec? Process { get; init; }

    /// <summary>The root file system.</summary>
    public RootSpec? Root { get; init; }

    /// <summary>Host name inside the UTS namespace.</summary>
    public string? Hostname { get; init; }

    /// <summary>NIS domain name inside the UTS namespace.</summary>
    public string? Domainname { get; init; }

    /// <summary>Mounts, in this order.</summary>
    public IReadOnlyList<MountSpec> Mounts { get; init => field = value ?? []; } = [];

    /// <summary>Programs to run at points of the life cycle.</summary>
    public HooksSpec? Hooks { get; init; }

    /// <summary>Free metadata. Never changes what a runtime does (security: nothing is read from here).</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init => field = value ?? Empty; } = Empty;

    /// <summary>The Linux-specific part.</summary>
    public LinuxSpec? Linux { get; init; }

    /// <summary>A virtual machine to run in, unparsed.</summary>
    public JsonElement? Vm { get; init; }

    internal static IReadOnlyDictionary<string, string> Empty { get; } = new Dictionary<string, string>();
}

/// <summary>The root file system.</summary>
public sealed record RootSpec
{
    /// <summary>Absolute, or relative to the bundle directory.</summary>
    public string Path { get; init => field = value ?? ""; } = "";

    /// <summary>Whether the container sees it read-only.</summary>
    public bool Readonly { get; init; }
}

/// <summary>One mount; <see cref="MountOptions"/> reads the options.</summary>
public sealed record MountSpec
{
    /// <summary>Absolute path inside the container.</summary>
    public string Destination { get; init => field = value ?? ""; } = "";

    /// <summary>File system type; null, <c>none</c> or <c>bind</c> for bind mounts.</summary>
    public string? Type { get; init; }

    /// <summary>Device, directory or dummy name. A relative bind source is relative to the bundle.</summary>
    public string? Source { get; init; }

    /// <summary>Options of mount(8).</summary>
    public IReadOnlyList<string> Options { get; init => field = value ?? []; } = [];

    /// <summary>User id mappings of an idmapped mount.</summary>
    public IReadOnlyList<IdMappingSpec> UidMappings { get; init => field = value ?? []; } = [];

    /// <summary>Group id mappings of an idmapped mount.</summary>
    public IReadOnlyList<IdMappingSpec> GidMappings { get; init => field = value ?? []; } = [];
}

/// <summary>A mapping of a range of ids. user_namespaces(7).</summary>
public sealed record IdMappingSpec
{
    /// <summary>First id inside.</summary>
    public uint ContainerID { get; init; }

    /// <summary>First id outside.</summary>
    public uint HostID { get; init; }

    /// <summary>Number of ids.</summary>
    public uint Size { get; init; }
}

/// <summary>Programs to run at points of the life cycle.</summary>
public sealed record HooksSpec
{
    /// <summary>Deprecated predecessor of <see cref="CreateRuntime"/>, which dockerd still sends.</summary>
    public IReadOnlyList<HookSpec> Prestart { get; init => field = value ?? []; } = [];

    /// <summary>During create, in the runtime's namespaces, before pivot_root.</summary>
    public IReadOnlyList<HookSpec> CreateRuntime { get; init => field = value ?? []; } = [];

    /// <summary>During create, in the container's namespaces, before pivot_root.</summary>
    public IReadOnlyList<HookSpec> CreateContainer { get; init => field = value ?? []; } = [];

    /// <summary>During start, in the container, before the user's program.</summary>
    public IReadOnlyList<HookSpec> StartContainer { get; init => field = value ?? []; } = [];

    /// <summary>After start, in the runtime's namespaces.</summary>
    public IReadOnlyList<HookSpec> Poststart { get; init => field = value ?? []; } = [];

    /// <summary>After delete, in the runtime's namespaces.</summary>
    public IReadOnlyList<HookSpec> Poststop { get; init => field = value ?? []; } = [];
}

/// <summary>One hook.</summary>
public sealed record HookSpec
{
    /// <summary>Absolute path of the program.</summary>
    public string Path { get; init => field = value ?? ""; } = "";

    /// <summary>Arguments, the first being the program's name.</summary>
    public IReadOnlyList<string> Args { get; init => field = value ?? []; } = [];

    /// <summary>The whole environment; nothing is inherited (CVE-2025-23266).</summary>
    public IReadOnlyList<string> Env { get; init => field = value ?? []; } = [];

    /// <summary>Seconds until it is killed; null for the runtime's own limit.</summary>
    public int? Timeout { get; init; }
}
