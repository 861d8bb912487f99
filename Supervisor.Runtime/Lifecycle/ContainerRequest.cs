using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>What a container is made from.</summary>
/// <param name="Bundle">Absolute directory.</param>
/// <param name="Spec">The OCI spec's JSON.</param>
/// <param name="RootMounts">What makes up the root filesystem; empty: the spec's <c>root.path</c>.</param>
/// <param name="DefaultCgroup">The cgroup where the spec has no <c>linux.cgroupsPath</c>, e.g. <c>/default/id</c>.</param>
public sealed record ContainerRequest(
    string Bundle, ReadOnlyMemory<byte> Spec, IReadOnlyList<RootMount> RootMounts, StdioTargets Stdio, string DefaultCgroup)
{
    /// <summary>
    /// The bundle is ours alone: made at the creation, with config.json and rootfs in it, and removed at the end. False: the
    /// caller's, left alone.
    /// </summary>
    public bool OwnsBundle { get; init; } = true;

    /// <summary>The spec where it was read already (not validated); null to read <see cref="Spec"/>.</summary>
    public Runtime.Oci.Spec? Parsed { get; init; }

    /// <summary>
    /// Where the init listens for its start, which another process gives (<see cref="StartSocket.Start"/>): it then outlives
    /// its creator. Null: it waits for <see cref="Container.Start"/>, and ends when its creator does.
    /// </summary>
    public StartSocket? StartSocket { get; init; }

    /// <summary>What hooks are told; the bundle's own name if nothing is said.</summary>
    public string Id { get => field ?? Path.GetFileName(Bundle.TrimEnd('/')); init; }

    /// <summary>The root is moved over the old one (MS_MOVE, chroot) where pivot_root cannot work: on an initramfs.</summary>
    public bool NoPivot { get; init; }

    /// <summary>A session keyring of its own, so that it does not see ours. keyrings(7).</summary>
    public bool NewKeyring { get; init; } = true;

    /// <summary>
    /// What the process finds open as 3, 4 and so on, e.g. for LISTEN_FDS; the caller's, and closed by the caller.
    /// </summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];
}
