namespace Supervisor.Runtime.Checkpointing;

/// <summary>How a container is written to images, or brought back from them: criu(8)'s words.</summary>
public sealed record CheckpointOptions
{
    /// <summary>Where the images are; made by a checkpoint with mode 0700 where it is missing.</summary>
    public required string ImageDirectory { get; init; }

    /// <summary>Where criu writes its log; null for <see cref="ImageDirectory"/>.</summary>
    public string? WorkDirectory { get; init; }

    /// <summary>
    /// Images of a former pre-dump, relative to <see cref="ImageDirectory"/>: only memory that has changed since is written.
    /// </summary>
    public string? ParentDirectory { get; init; }

    /// <summary>The container lives on after the checkpoint.</summary>
    public bool LeaveRunning { get; init; }

    /// <summary>Established TCP connections are kept.</summary>
    public bool TcpEstablished { get; init; }

    /// <summary>TCP connections that are not established yet are left out.</summary>
    public bool TcpSkipInFlight { get; init; }

    /// <summary>Unix sockets whose other ends are outside of the container are allowed.</summary>
    public bool ExternalUnixSockets { get; init; }

    /// <summary>The container's terminal is one of the host's, shared with whoever made it.</summary>
    public bool ShellJob { get; init; }

    /// <summary>File locks are kept.</summary>
    public bool FileLocks { get; init; }

    /// <summary>Open files that were deleted are linked back for the images' sake.</summary>
    public bool LinkRemap { get; init; }

    /// <summary>What the images of the parent hold twice is punched out of them.</summary>
    public bool AutoDedup { get; init; }

    /// <summary>Namespaces that are made, but left empty: <c>network</c>.</summary>
    public IReadOnlyList<string> EmptyNamespaces { get; init; } = [];

    /// <summary>
    /// The network namespace is not the container's own but was joined by a path; known by itself where the bundle is ours.
    /// </summary>
    public bool ExternalNetwork { get; init; }

    /// <summary>Only the memory is written, and the container lives on: to be the parent of a later checkpoint.</summary>
    public bool PreDump { get; init; }

    /// <summary><c>soft</c> (the default), <c>full</c>, <c>strict</c>, <c>props</c>, <c>none</c> or <c>ignore</c>.</summary>
    public string? ManageCgroups { get; init; }

    /// <summary>The security module's profile of the restored, e.g. <c>apparmor:name</c>.</summary>
    public string? LsmProfile { get; init; }

    /// <summary>The SELinux context of restored mounts.</summary>
    public string? LsmMountContext { get; init; }

    /// <summary>The program: a path, or a name that is looked for in PATH.</summary>
    public string Criu { get; init; } = DefaultCriu;

    /// <summary>What <c>SUPERVISOR_CRIU</c> names in our environment, else <c>criu</c>.</summary>
    public static string DefaultCriu =>
        Environment.GetEnvironmentVariable("SUPERVISOR_CRIU") is { Length: > 0 } said ? said : "criu";

    internal string LogDirectory => WorkDirectory ?? ImageDirectory;
}
