using Supervisor.Kernel.Files;
using Supervisor.Kernel.Mounts;

namespace Supervisor.Kernel.Cgroups;

/// <summary>All cgroup hierarchies of this machine, as this process sees them mounted.</summary>
public sealed class CgroupHierarchies
{
    private CgroupHierarchies(IReadOnlyList<CgroupHierarchy> all) => All = all;

    /// <summary>Every mounted hierarchy: v1 in the order of /proc/self/cgroup, v2 last.</summary>
    public IReadOnlyList<CgroupHierarchy> All { get; }

    /// <summary>The v2 hierarchy.</summary>
    public CgroupHierarchy? V2 => All.FirstOrDefault(h => h.Version == 2);

    /// <summary>Which versions are in use.</summary>
    public CgroupLayout Layout => (All.Any(h => h.Version == 1), V2 is not null) switch
    {
        (false, false) => CgroupLayout.None,
        (true, false) => CgroupLayout.V1,
        (false, true) => CgroupLayout.V2,
        (true, true) => CgroupLayout.Hybrid,
    };

    /// <summary>Reads /proc/self/mountinfo and /proc/self/cgroup. Makes no assumption about mount points.</summary>
    public static CgroupHierarchies Discover() =>
        Parse(KernelFile.Read("/proc/self/mountinfo"), KernelFile.Read("/proc/self/cgroup"));

    /// <summary>As <see cref="Discover"/>, from texts.</summary>
    /// <param name="mountinfo">/proc/self/mountinfo. proc_pid_mountinfo(5).</param>
    /// <param name="selfCgroup">/proc/self/cgroup. cgroups(7).</param>
    public static CgroupHierarchies Parse(string mountinfo, string selfCgroup)
    {
        var mounts = Mounts(mountinfo);
        List<CgroupHierarchy> v1 = [], v2 = [];
        foreach (var line in selfCgroup.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(':', 3); // id:controllers:path; v2 has id 0 and no controllers
            if (parts.Length != 3 || !parts[2].StartsWith('/')) continue;
            var controllers = parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries);
            var version = controllers.Length == 0 ? 2 : 1;
            MountLine? found = null;
            foreach (var mount in mounts)
            {
                var isIts = version == 2
                    ? mount.Type is "cgroup2" : mount.Type is "cgroup" && controllers.All(mount.Options.Contains);
                if (isIts && (found is null || IsPreferred(mount, found, parts[2]))) found = mount;
            }
            if (found is null) continue; // known to the kernel, not mounted here
            (version == 2 ? v2 : v1)
                .Add(new CgroupHierarchy(version, controllers, found.Point.TrimEnd('/'), found.Root, parts[2]));
        }
        return new CgroupHierarchies([.. v1, .. v2]);
    }

    /// <summary>
    /// The directory of <paramref name="cgroupsPath"/> in every hierarchy. Absolute: from the mount's root. Relative: below our
    /// own cgroup.
    /// </summary>
    /// <exception cref="ArgumentException">An empty part, <c>.</c>, <c>..</c>, a NUL: it could lead out of the mount.</exception>
    public IReadOnlyDictionary<string, string> DirectoriesOf(string cgroupsPath)
    {
        if (CgroupPath.FindError(cgroupsPath) is { } error) throw new ArgumentException(error, nameof(cgroupsPath));
        var directories = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var hierarchy in All)
        {
            var directory = hierarchy.BaseOf(cgroupsPath) + "/" + cgroupsPath.TrimStart('/');
            if (hierarchy.Version == 2) directories[Cgroup.V2Key] = directory;
            foreach (var controller in hierarchy.Controllers) directories[controller] = directory;
        }
        return directories;
    }

    /// <summary>A mount that shows our own cgroup is better; of two that do, the one that shows more.</summary>
    private static bool IsPreferred(MountLine one, MountLine other, string own)
    {
        var (shows, otherShows) = (MountLine.IsBelow(own, one.Root), MountLine.IsBelow(own, other.Root));
        return shows == otherShows ? one.Root.Length < other.Root.Length : shows;
    }

    // A mount that is covered by another is not reachable.
    private static List<MountLine> Mounts(string mountinfo)
    {
        var mounts = new List<MountLine>();
        foreach (var mount in MountLine.Parse(mountinfo.Split('\n')))
        {
            mounts.RemoveAll(m => m.Point == mount.Point);
            mounts.Add(mount);
        }
        return mounts;
    }
}
