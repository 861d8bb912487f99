using Supervisor.Kernel.Stdio;

namespace Supervisor.Kernel.Containers;

/// <summary>What a container is made from.</summary>
/// <param name="Bundle">Absolute directory.</param>
/// <param name="Spec">The OCI spec's JSON.</param>
/// <param name="RootMounts">What makes up the root filesystem; empty: the spec's <c>root.path</c>.</param>
/// <param name="DefaultCgroup">The cgroup where the spec has no <c>linux.cgroupsPath</c>, e.g. <c>/default/id</c>.</param>
public sealed record ContainerRequest(
    string Bundle, ReadOnlyMemory<byte> Spec, IReadOnlyList<RootMount> RootMounts, StdioTargets Stdio, string DefaultCgroup)
{
    /// <summary>The bundle is ours alone: made at the creation, with config.json and rootfs in it, and removed at the end. False: the caller's, left alone.</summary>
    public bool OwnsBundle { get; init; } = true;

    /// <summary>The spec where it was read already (not validated); null to read <see cref="Spec"/>.</summary>
    public Oci.Spec? Parsed { get; init; }

    /// <summary>
    /// Where the init listens for its start, which another process gives (<see cref="StartSocket.Start"/>): it then outlives
    /// its creator. Null: it waits for <see cref="Container.Start"/>, and ends when its creator does.
    /// </summary>
    public StartSocket? StartSocket { get; init; }

    /// <inheritdoc cref="ContainerPlan.SessionKeyring"/>
    public string? SessionKeyring { get; init; }

    /// <inheritdoc cref="ContainerPlan.NoPivot"/>
    public bool NoPivot { get; init; }
}
