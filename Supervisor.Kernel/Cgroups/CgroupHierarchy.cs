namespace Supervisor.Kernel.Cgroups;

/// <summary>One cgroup hierarchy: cgroup v2, or a v1 controller (or several, or only a name). cgroups(7).</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Controllers">v1: its controllers, a name as <c>name=systemd</c>. v2: empty; read cgroup.controllers
/// instead.</param>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="MountRoot">Which of its cgroups is the root of that mount; <c>/</c> outside of containers.</param>
/// <param name="OwnPath">Our own cgroup in it, as /proc/self/cgroup says.</param>
public sealed record CgroupHierarchy(
    int Version, IReadOnlyList<string> Controllers, string MountPoint, string MountRoot, string OwnPath)
{
    /// <summary>Directory of our own cgroup; the mount point itself if our cgroup is not below it.</summary>
    public string OwnDirectory => DirectoryOf(OwnPath) ?? MountPoint;

    /// <summary>Directory of a cgroup that /proc/PID/cgroup names; null if it is not below the mount.</summary>
    internal string? DirectoryOf(string path)
    {
        if (MountRoot == "/") return MountPoint + path.TrimEnd('/');
        return path.StartsWith(MountRoot + "/", StringComparison.Ordinal) ? MountPoint + path[MountRoot.Length..] : null;
    }

    /// <summary>Where a cgroup path begins: the mount point for an absolute one, our own cgroup for a relative one.</summary>
    internal string BaseOf(string cgroupsPath) => cgroupsPath.StartsWith('/') ? MountPoint : OwnDirectory;
}

/// <summary>Which cgroup versions a host uses.</summary>
public enum CgroupLayout
{
    /// <summary>No cgroup file system is mounted.</summary>
    None,

    /// <summary>v1 only.</summary>
    V1,

    /// <summary>v2 only.</summary>
    V2,

    /// <summary>v1 controllers, and a v2 hierarchy beside them.</summary>
    Hybrid,
}
