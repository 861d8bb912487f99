using Supervisor.Kernel.Files;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>What a container is made from.</summary>
/// <param name="Bundle">Absolute directory.</param>
/// <param name="Spec">The OCI spec's JSON.</param>
/// <param name="RootMounts">The mounts of the root filesystem; empty: the spec's <c>root.path</c>.</param>
/// <param name="DefaultCgroup">The cgroup where the spec has no <c>linux.cgroupsPath</c>, e.g. <c>/default/id</c>.</param>
public sealed record ContainerRequest(
    string Bundle, ReadOnlyMemory<byte> Spec, IReadOnlyList<RootMount> RootMounts, StdioTargets Stdio, string DefaultCgroup)
{
    /// <summary>
    /// We own the bundle: it is created with the container, with config.json and rootfs in it, and removed with it. False: it
    /// is the caller's and not changed.
    /// </summary>
    public bool OwnsBundle { get; init; } = true;

    /// <summary>
    /// Its cgroup is recorded in the bundle, so that <see cref="Container.TearDown"/> finds it when we have been killed. Always
    /// with <see cref="OwnsBundle"/>.
    /// </summary>
    public bool RecordsCgroup { get => field || OwnsBundle; init; }

    /// <summary>The spec if it is parsed already (not validated); null to parse <see cref="Spec"/>.</summary>
    public Runtime.Oci.Spec? Parsed { get; init; }

    /// <summary>
    /// The socket on which the init waits for another process to start it (<see cref="StartSocket.Start"/>): it then outlives
    /// its creator. Null: it waits for <see cref="ContainerProcess.Start"/>, and exits when its creator does.
    /// </summary>
    public StartSocket? StartSocket { get; init; }

    /// <summary>The id in the state that hooks get; by default the bundle's name.</summary>
    public string Id { get => field ?? Path.GetFileName(Bundle.TrimEnd('/')); init; }

    /// <summary>Moves the root over the old one (MS_MOVE, chroot), where pivot_root cannot work: on an initramfs.</summary>
    public bool NoPivot { get; init; }

    /// <summary>
    /// A file to which the system calls of its launch are appended, with results and microseconds; null for none.
    /// </summary>
    public string? Trace { get; init; }

    /// <summary>It gets its own session keyring and does not see ours. keyrings(7).</summary>
    public bool NewKeyring { get; init; } = true;

    /// <summary>
    /// The process's descriptors 3, 4 and so on, e.g. for LISTEN_FDS; the caller owns and closes them.
    /// </summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];
}
