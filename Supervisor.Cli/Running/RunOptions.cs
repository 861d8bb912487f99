using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Oci;

namespace Supervisor.Cli.Running;

/// <summary>The arguments of <c>supervisor run</c>.</summary>
/// <param name="Id">The container's id.</param>
/// <param name="Rootfs">Absolute directory; <c>/</c> means a read-only view of the host's own root.</param>
/// <param name="User">USER[:GROUP], or null for root.</param>
/// <param name="Memory">Bytes, or null for no limit.</param>
/// <param name="Pids">Processes, or null for no limit.</param>
/// <param name="Env">NAME=value entries.</param>
/// <param name="Command">Program and arguments; not empty.</param>
internal sealed record RunOptions(
    string Id,
    string Rootfs,
    bool Detach,
    bool Terminal,
    bool Remove,
    string? User,
    string? Hostname,
    string WorkingDirectory,
    bool ReadOnly,
    bool HostNetwork,
    long? Memory,
    long? Pids,
    IReadOnlyList<string> Env,
    IReadOnlyList<string> Command)
{
    /// <summary>Whether a detached container has an input that clients of <c>attach</c> type into.</summary>
    public bool Interactive { get; init; }

    /// <summary>Bytes of one log file of a detached container, 0 for no limit; null: as the daemon is configured.</summary>
    public long? LogMaxSize { get; init; }

    /// <summary>How many log files; null: as the daemon is configured.</summary>
    public int? LogMaxFiles { get; init; }

    /// <summary>Whether our init is the first process: it reaps zombies and forwards signals.</summary>
    public bool Init { get; init; }

    /// <summary>The keys that detach from a terminal; null for the default.</summary>
    public DetachKeys? DetachKeys { get; init; }

    /// <summary>Where the system calls of its launch go: a file, empty for standard error; null for nowhere.</summary>
    public string? Trace { get; init; }

    /// <summary>The seccomp profile; null for none.</summary>
    public SeccompSpec? Seccomp { get; init; }

    /// <summary>Whether the rootfs is the host's own.</summary>
    public bool IsHostRoot => Rootfs == "/";
}
