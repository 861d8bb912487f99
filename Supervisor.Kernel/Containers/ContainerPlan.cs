using Supervisor.Kernel.Files;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Containers;

/// <summary>One mount that makes up a root filesystem: containerd's Mount message, or a line of fstab(5).</summary>
/// <param name="Target">Below the root filesystem; empty for the root itself.</param>
public sealed record RootMount(string Type, string Source, string Target, IReadOnlyList<string> Options);

/// <summary>All that the first program of a container is compiled from. Every descriptor is open and ours.</summary>
internal sealed record ContainerPlan
{
    /// <summary>Validated.</summary>
    public required Spec Spec { get; init; }

    /// <summary>Absolute directory of the root filesystem, or where <see cref="RootMounts"/> will put it.</summary>
    public required string Rootfs { get; init; }

    /// <summary>Mounted on <see cref="Rootfs"/> in the container's own mount namespace, in order; the host never sees them.</summary>
    public IReadOnlyList<RootMount> RootMounts { get; init; } = [];

    /// <summary>Of relative bind sources.</summary>
    public required string Bundle { get; init; }

    /// <summary>The child's end of the talk with us.</summary>
    public required Fd Socket { get; init; }

    /// <summary>What the init waits at for its start, where that comes from another process; else null, and it comes over <see cref="Socket"/>.</summary>
    public Fd? Listener { get; init; }

    /// <summary>Name of a new session keyring; null to keep ours. keyrings(7).</summary>
    public string? SessionKeyring { get; init; }

    /// <summary>Move the new root over the old one instead of exchanging them: for a host whose root is a ramfs. pivot_root(2).</summary>
    public bool NoPivot { get; init; }

    /// <summary>Standard input, output and error; ignored with a terminal.</summary>
    public required IReadOnlyList<Fd> Stdio { get; init; }

    /// <summary>cgroup.procs of every cgroup v1 hierarchy to join; empty where the child is born in its cgroup.</summary>
    public IReadOnlyList<Fd> CgroupProcs { get; init; } = [];

    /// <summary>The child is born in its cgroup (CLONE_INTO_CGROUP), so a new cgroup namespace can be made by clone3 too.</summary>
    public bool BornInCgroup { get; init; }

    /// <summary>The container's cgroup v1 directories or v2 directory, by controller, for a mount of type cgroup.</summary>
    public IReadOnlyDictionary<string, string> CgroupPaths { get; init; } = new Dictionary<string, string>();

    /// <summary>Namespaces to join, opened from the spec's paths.</summary>
    public IReadOnlyList<(string Type, Fd Namespace)> Joined { get; init; } = [];

    /// <summary>Every descriptor that the program names.</summary>
    public IEnumerable<int> Descriptors =>
        [Socket.Number, Launch.InitStub.File.Number, .. Listener is null ? (int[])[] : [Listener.Number], .. Stdio.Select(f => f.Number), .. CgroupProcs.Select(f => f.Number), .. Joined.Select(j => j.Namespace.Number)];
}
