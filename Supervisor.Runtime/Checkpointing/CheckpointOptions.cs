namespace Supervisor.Runtime.Checkpointing;

/// <summary>The options of a checkpoint or a restore, as criu(8) names them.</summary>
public sealed record CheckpointOptions
{
    /// <summary>The images' directory; a checkpoint makes it with mode 0700 where it is missing.</summary>
    public required string ImageDirectory { get; init; }

    /// <summary>The directory of criu's log; null for <see cref="ImageDirectory"/>.</summary>
    public string? WorkDirectory { get; init; }

    /// <summary>
    /// Images of an earlier pre-dump, relative to <see cref="ImageDirectory"/>: only memory that has changed since is written.
    /// </summary>
    public string? ParentDirectory { get; init; }

    /// <summary>The container keeps running after the checkpoint.</summary>
    public bool LeaveRunning { get; init; }

    /// <summary>Established TCP connections are kept.</summary>
    public bool TcpEstablished { get; init; }

    /// <summary>TCP connections that are not established yet are left out.</summary>
    public bool TcpSkipInFlight { get; init; }

    /// <summary>Unix sockets whose other ends are outside of the container are allowed.</summary>
    public bool ExternalUnixSockets { get; init; }

    /// <summary>The container's terminal is one of the host's, shared with the shell that started it.</summary>
    public bool ShellJob { get; init; }

    /// <summary>File locks are kept.</summary>
    public bool FileLocks { get; init; }

    /// <summary>Open files that were deleted are linked again, so that the images can refer to them.</summary>
    public bool LinkRemap { get; init; }

    /// <summary>Holes are punched into the parent's images for pages that the new ones have.</summary>
    public bool AutoDedup { get; init; }

    /// <summary>Namespaces that are made, but left empty: <c>network</c>.</summary>
    public IReadOnlyList<string> EmptyNamespaces { get; init; } = [];

    /// <summary>
    /// The network namespace is not the container's own but was joined by a path; detected where we own the bundle.
    /// </summary>
    public bool ExternalNetwork { get; init; }

    /// <summary>Writes only the memory, for the parent of a later checkpoint; the container keeps running.</summary>
    public bool PreDump { get; init; }

    /// <summary><c>soft</c> (the default), <c>full</c>, <c>strict</c>, <c>props</c>, <c>none</c> or <c>ignore</c>.</summary>
    public string? ManageCgroups { get; init; }

    /// <summary>The security module's profile of the restored processes, e.g. <c>apparmor:name</c>.</summary>
    public string? LsmProfile { get; init; }

    /// <summary>The SELinux context of restored mounts.</summary>
    public string? LsmMountContext { get; init; }

    /// <summary>The program: a path, or a name to find in PATH.</summary>
    public string Criu { get; init; } = DefaultCriu;

    /// <summary>The value of <c>SUPERVISOR_CRIU</c> in our environment, else <c>criu</c>.</summary>
    public static string DefaultCriu =>
        Environment.GetEnvironmentVariable("SUPERVISOR_CRIU") is { Length: > 0 } said ? said : "criu";

    internal string LogDirectory => WorkDirectory ?? ImageDirectory;
}
