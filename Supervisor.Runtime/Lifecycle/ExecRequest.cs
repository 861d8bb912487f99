using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>What another process of a container is made from.</summary>
/// <param name="Process">The OCI process's JSON.</param>
/// <param name="Stdio">Its word on the terminal counts, not the spec's.</param>
public sealed record ExecRequest(ReadOnlyMemory<byte> Process, StdioTargets Stdio)
{
    /// <summary>
    /// The container's own spec, whose filter, personality, memory policy and processors hold for an exec too; null where the
    /// container itself knows it.
    /// </summary>
    public Spec? Container { get; init; }

    /// <summary>Where it runs, of the container's own or below it; null for the container's own.</summary>
    public Kernel.Cgroups.Cgroup? Cgroup { get; init; }

    /// <summary>Begin in a paused container too; the call then lasts until that is resumed.</summary>
    public bool EvenIfPaused { get; init; }

    /// <summary>What the process finds open as 3, 4 and so on; the caller's, and closed by the caller.</summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];
}
