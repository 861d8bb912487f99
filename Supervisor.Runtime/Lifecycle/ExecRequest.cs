using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>What an exec is made from.</summary>
/// <param name="Process">The OCI process's JSON.</param>
/// <param name="Stdio">Its terminal setting counts, not the spec's.</param>
public sealed record ExecRequest(ReadOnlyMemory<byte> Process, StdioTargets Stdio)
{
    /// <summary>
    /// The container's spec, whose seccomp filter, personality, memory policy and CPUs apply to an exec too; null where the
    /// container has it.
    /// </summary>
    public Spec? Container { get; init; }

    /// <summary>The cgroup that it runs in, the container's or one below; null for the container's.</summary>
    public Kernel.Cgroups.Cgroup? Cgroup { get; init; }

    /// <summary>Spawn in a paused container too; the call then blocks until the container is resumed.</summary>
    public bool EvenIfPaused { get; init; }

    /// <summary>The process's descriptors 3, 4 and so on; the caller owns and closes them.</summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];
}
