using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Seccomp;

namespace Supervisor.Runtime.Plans;

/// <summary>One mount that makes up a root filesystem: containerd's Mount message, or a line of fstab(5).</summary>
/// <param name="Target">Below the root filesystem; empty for the root itself.</param>
public sealed record RootMount(string Type, string Source, string Target, IReadOnlyList<string> Options);

/// <summary>Everything that a container's first program is compiled from. Every descriptor is open and ours.</summary>
internal sealed record ContainerPlan
{
    /// <summary>Validated.</summary>
    public required Spec Spec { get; init; }

    /// <summary>Absolute directory of the root filesystem, or where <see cref="RootMounts"/> mounts it.</summary>
    public required string Rootfs { get; init; }

    /// <summary>
    /// Mounted on <see cref="Rootfs"/> in the container's own mount namespace, in order; the host never sees them.
    /// </summary>
    public IReadOnlyList<RootMount> RootMounts { get; init; } = [];

    /// <summary>The directory that relative bind sources start from.</summary>
    public required string Bundle { get; init; }

    /// <summary>The child's end of the socket to us.</summary>
    public required Fd Socket { get; init; }

    /// <summary>
    /// What it executes after its first half: see <see cref="InitStub.Open"/>. Null where it executes another file.
    /// </summary>
    public Fd? Stub { get; init; }

    /// <summary>Standard input, output and error; ignored with a terminal.</summary>
    public required IReadOnlyList<Fd> Stdio { get; init; }

    /// <summary>The file <c>tasks</c> of every cgroup v1 hierarchy to join.</summary>
    public IReadOnlyList<Fd> CgroupTasks { get; init; } = [];

    /// <summary>
    /// There is no v1 hierarchy: the child is cloned into its cgroup (CLONE_INTO_CGROUP), so clone3 can also create a new cgroup
    /// namespace.
    /// </summary>
    public bool IsPureV2 { get; init; }

    /// <summary>The container's cgroup v1 directories or v2 directory, by controller, for a mount of type cgroup.</summary>
    public IReadOnlyDictionary<string, string> CgroupPaths { get; init; } = new Dictionary<string, string>();

    /// <summary>The namespaces to create and to join.</summary>
    public NamespacePlan Namespaces { get; init; } = NamespacePlan.None;

    /// <summary>Where the program waits for us; null where it does not.</summary>
    public LaunchPauses? Pauses { get; init; }

    /// <summary>Writes the id maps of a new user namespace, for the child's pid.</summary>
    public Action<int, CancellationToken>? WriteIdMaps { get; init; }

    /// <summary>Runs the hooks that come before the change of root, for the child's pid; null for none.</summary>
    public Action<int, CancellationToken>? Hooks { get; init; }

    /// <summary>Whether setgroups(2) is allowed in its user namespace.</summary>
    public bool MaySetGroups { get; init; } = true;

    /// <summary>
    /// Detached mounts that we made beforehand, by the index in the spec's mounts: those that the container's root may not open
    /// or may not map.
    /// </summary>
    public IReadOnlyDictionary<int, Fd> PreopenedMounts { get; init; } = new Dictionary<int, Fd>();

    /// <summary>Device nodes that we opened beforehand, by their paths: see <c>PreopenedDevices</c>.</summary>
    public IReadOnlyDictionary<string, Fd> PreopenedDevices { get; init; } = new Dictionary<string, Fd>();

    /// <summary>
    /// Where the init waits for its start, if another process starts it; null if the start comes over <see cref="Socket"/>.
    /// </summary>
    public Fd? Starter { get; init; }

    /// <summary>See <c>ContainerRequest.NoPivot</c>.</summary>
    public bool NoPivot { get; init; }

    /// <summary>The filter of system calls; null for none.</summary>
    public SeccompFilter? Seccomp { get; init; }

    /// <summary>Connected to the filter's listenerPath; null for none.</summary>
    public Fd? Listener { get; init; }

    /// <summary>See <c>ContainerRequest.Inherited</c>.</summary>
    public IReadOnlyList<Fd> Inherited { get; init; } = [];

    /// <summary>Name of the new session keyring; null to keep ours.</summary>
    public string? Keyring { get; init; }

    /// <summary>
    /// Where the root filesystem is mounted: its own directory, or the bundle for the host's root, which cannot be covered.
    /// </summary>
    public string RootPlace => Rootfs == "/" && Namespaces.Makes(Kernel.Abi.CloneFlags.CLONE_NEWNS) ? Bundle : Rootfs;

    /// <summary>
    /// Clones twice: because of the namespaces, or because we mount the root filesystem before the child enters a user namespace,
    /// where an overlay of the host's root is refused (its submounts are locked there).
    /// </summary>
    public bool DoubleClone => Namespaces.DoubleClone || MountsRootFirst;

    /// <summary>Whether the first of the two processes mounts the root filesystem.</summary>
    public bool MountsRootFirst =>
        Namespaces.OtherUser && RootMounts.Count > 0 && Namespaces.Makes(Kernel.Abi.CloneFlags.CLONE_NEWNS);

    /// <summary>
    /// Where the pid of an init is stored that a <see cref="Runtime.Launch.StubClone"/> clones in a pid namespace with other
    /// processes; else null.
    /// </summary>
    public Runtime.Launch.PidPage? Page { get; init; }

    /// <summary>Every descriptor that the program names.</summary>
    public IEnumerable<int> Descriptors =>
    [
        Socket.Number, .. Stub is null
            ? (int[])[] : [Stub.Number], .. Stdio.Select(f => f.Number), .. CgroupTasks.Select(f => f.Number),
        .. Namespaces.Joined.Select(j => j.Namespace.Number), .. PreopenedMounts.Values.Select(f => f.Number),
        .. PreopenedDevices.Values.Select(f => f.Number), .. Inherited.Select(f => f.Number),
        .. Listener is null ? (int[])[] : [Listener.Number], .. Starter is null
            ? (int[])[] : [Starter.Number], .. Pauses?.Descriptors ?? [],
        .. Page is null ? (int[])[] : [Page.File.Number],
    ];
}
