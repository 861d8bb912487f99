using System.Text.Json.Serialization;

namespace Supervisor.Runtime.Oci;

/// <summary>A process of a container: its init, or an exec.</summary>
public sealed record ProcessSpec
{
    /// <summary>
    /// Whether an init of ours is the container's first process and spawns this one. An extension of the specification, and only
    /// for a container's own process.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Init { get; init; }

    /// <summary>Whether it gets a pseudo-terminal.</summary>
    public bool Terminal { get; init; }

    /// <summary>Initial size of that terminal.</summary>
    public ConsoleSizeSpec? ConsoleSize { get; init; }

    /// <summary>The user that it runs as.</summary>
    public UserSpec User { get; init => field = value ?? new(); } = new();

    /// <summary>Program and arguments; a program without a slash is looked up in the PATH of <see cref="Env"/>.</summary>
    public IReadOnlyList<string> Args { get; init => field = value ?? []; } = [];

    /// <summary>The whole environment, entries as <c>NAME=value</c>.</summary>
    public IReadOnlyList<string> Env { get; init => field = value ?? []; } = [];

    /// <summary>Absolute working directory inside the container.</summary>
    public string Cwd { get; init => field = value ?? ""; } = "";

    /// <summary>Capability sets; null for none at all.</summary>
    public CapabilitiesSpec? Capabilities { get; init; }

    /// <summary>Resource limits.</summary>
    public IReadOnlyList<RlimitSpec> Rlimits { get; init => field = value ?? []; } = [];

    /// <summary>PR_SET_NO_NEW_PRIVS: set-user-id programs gain nothing.</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>/proc/self/oom_score_adj, -1000 to 1000; null to leave it.</summary>
    public int? OomScoreAdj { get; init; }

    /// <summary>AppArmor profile.</summary>
    public string? ApparmorProfile { get; init; }

    /// <summary>SELinux label.</summary>
    public string? SelinuxLabel { get; init; }

    /// <summary>sched_setattr(2).</summary>
    public SchedulerSpec? Scheduler { get; init; }

    /// <summary>ioprio_set(2).</summary>
    public IOPrioritySpec? IoPriority { get; init; }

    /// <summary>CPUs on which an exec starts and continues.</summary>
    public ExecCpuAffinitySpec? ExecCPUAffinity { get; init; }
}

/// <summary>Size of a terminal in characters.</summary>
public sealed record ConsoleSizeSpec
{
    /// <summary>Rows.</summary>
    public uint Height { get; init; }

    /// <summary>Columns.</summary>
    public uint Width { get; init; }
}

/// <summary>Ids in the container's user namespace. 2^32-1 means "no change" to the kernel and is refused.</summary>
public sealed record UserSpec
{
    /// <summary>User id.</summary>
    public uint Uid { get; init; }

    /// <summary>Group id.</summary>
    public uint Gid { get; init; }

    /// <summary>umask(2), at most 0777 octal; null to leave it.</summary>
    public uint? Umask { get; init; }

    /// <summary>Supplementary groups.</summary>
    public IReadOnlyList<uint> AdditionalGids { get; init => field = value ?? []; } = [];

    /// <summary>For Windows: never looked up, and refused where it would have no effect.</summary>
    public string? Username { get; init; }
}

/// <summary>The five sets of capabilities(7), names as <c>CAP_KILL</c>; <see cref="Capability"/> has the numbers.</summary>
public sealed record CapabilitiesSpec
{
    /// <summary>Ceiling for everything executed later.</summary>
    public IReadOnlyList<string> Bounding { get; init => field = value ?? []; } = [];

    /// <summary>Effective capabilities.</summary>
    public IReadOnlyList<string> Effective { get; init => field = value ?? []; } = [];

    /// <summary>Kept across execve of files that ask for them.</summary>
    public IReadOnlyList<string> Inheritable { get; init => field = value ?? []; } = [];

    /// <summary>Capabilities that may become effective.</summary>
    public IReadOnlyList<string> Permitted { get; init => field = value ?? []; } = [];

    /// <summary>Kept across execve by users other than root.</summary>
    public IReadOnlyList<string> Ambient { get; init => field = value ?? []; } = [];
}

/// <summary>Arguments of setrlimit(2). 2^64-1 is no limit.</summary>
public sealed record RlimitSpec
{
    /// <summary>Name as <c>RLIMIT_NOFILE</c>; <see cref="Rlimit"/> has the numbers.</summary>
    public string Type { get; init => field = value ?? ""; } = "";

    /// <summary>The soft limit.</summary>
    public ulong Soft { get; init; }

    /// <summary>How far an unprivileged process may raise it.</summary>
    public ulong Hard { get; init; }
}

/// <summary>sched_setattr(2).</summary>
public sealed record SchedulerSpec
{
    /// <summary>Policy, e.g. <c>SCHED_BATCH</c>.</summary>
    public string Policy { get; init => field = value ?? ""; } = "";

    /// <summary>-20 to 19.</summary>
    public int? Nice { get; init; }

    /// <summary>Real-time priority.</summary>
    public int? Priority { get; init; }

    /// <summary>E.g. <c>SCHED_FLAG_RESET_ON_FORK</c>.</summary>
    public IReadOnlyList<string> Flags { get; init => field = value ?? []; } = [];

    /// <summary>Nanoseconds, SCHED_DEADLINE.</summary>
    public ulong? Runtime { get; init; }

    /// <summary>Nanoseconds, SCHED_DEADLINE.</summary>
    public ulong? Deadline { get; init; }

    /// <summary>Nanoseconds, SCHED_DEADLINE.</summary>
    public ulong? Period { get; init; }
}

/// <summary>ioprio_set(2).</summary>
public sealed record IOPrioritySpec
{
    /// <summary>IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE.</summary>
    public string Class { get; init => field = value ?? ""; } = "";

    /// <summary>0 (first) to 7.</summary>
    public int Priority { get; init; }
}

/// <summary>CPU lists of an exec.</summary>
public sealed record ExecCpuAffinitySpec
{
    /// <summary>While it joins the container's cgroup.</summary>
    public string? Initial { get; init; }

    /// <summary>Once it is there.</summary>
    public string? Final { get; init; }
}
