using Supervisor.Kernel;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Resources;

namespace Supervisor.Runtime.Probing;

/// <summary>The cgroup hierarchies, and what their files offer.</summary>
internal static class CgroupProbes
{
    public static IEnumerable<HostFeature> All()
    {
        var trees = CgroupHierarchies.Discover();
        var layout = trees.Layout;
        yield return new("cgroups", layout is not CgroupLayout.None, layout switch
        {
            CgroupLayout.V1 => "v1",
            CgroupLayout.V2 => "v2",
            CgroupLayout.Hybrid => "hybrid: v1 controllers with a v2 tree beside them",
            _ => "no cgroup file system is mounted",
        }, "limits, freezing, killing all processes of a container");

        var unified = ProbeFile.TryRead((trees.V2?.MountPoint ?? "/nowhere") + "/cgroup.controllers")?.Split(
            ' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        foreach (var (v1, v2, use) in ((string, string, string)[])
        [
            ("memory", "memory", "memory limits and reports of OOM kills"), ("pids", "pids", "limits on the number of processes"),
            ("cpu", "cpu", "shares and quotas of CPU time"), ("cpuset", "cpuset", "choice of CPUs"),
            ("blkio", "io", "limits on block devices"), ("hugetlb", "hugetlb", "limits on huge pages"),
        ])
        {
            var old = trees.All.FirstOrDefault(h => h.Controllers.Contains(v1));
            var detail = old is not null
                ? $"v1 at {old.MountPoint}" : unified.Contains(v2) ? $"v2 at {trees.V2!.MountPoint}" : "in no mounted tree";
            yield return new($"cgroup {v2}", old is not null || unified.Contains(v2), detail, use);
        }
        yield return Devices(trees);

        // Every cgroup but the root has the files: look in our own, or in any.
        var some = trees.V2 is { } v2Tree ? SomeCgroup(v2Tree) : null;
        yield return File("cgroup.kill", some, 5, 14, "killing all processes of a container in one call (Linux 5.14)");
        var freezer = trees.All.FirstOrDefault(h => h.Controllers.Contains("freezer"));
        yield return freezer is not null
            ? new("freezer", true, $"v1 at {freezer.MountPoint}", "pausing containers")
            : File("cgroup.freeze", some, 5, 2, "pausing containers (Linux 5.2)") with { Name = "freezer" };
    }

    private static HostFeature Devices(CgroupHierarchies trees)
    {
        const string name = "cgroup devices", use = "denying containers the host's devices";
        if (trees.All.FirstOrDefault(h => h.Controllers.Contains("devices")) is { } v1)
            return new(name, true, $"v1 at {v1.MountPoint}", use);
        if (trees.V2 is not { } v2) return new(name, false, "in no mounted tree", use);
        try
        {
            DeviceFilter.Count(v2.MountPoint);
            return new(name, true, $"v2 at {v2.MountPoint}, by BPF programs", use);
        }
        catch (Exception e) when (e is CgroupException or SyscallException)
        {
            return new(name, false, e.Message, use);
        }
    }

    private static HostFeature File(string name, string? directory, int major, int minor, string use)
    {
        if (directory is not null)
            return System.IO.File.Exists($"{directory}/{name}")
                ? new(name, true, "v2", use) : new(name, false, "not in this kernel", use);
        if (CgroupHierarchies.Discover().V2 is null) return new(name, false, "there is no v2 tree", use);
        var expected = SyscallProbes.IsAtLeast(ProbeFile.TryRead("/proc/sys/kernel/osrelease") ?? "", major, minor);
        return new(name, expected, "by the kernel's version: there is no v2 cgroup yet to check", use);
    }

    private static string? SomeCgroup(CgroupHierarchy tree)
    {
        if (System.IO.File.Exists(tree.OwnDirectory + "/cgroup.events")) return tree.OwnDirectory;
        try { return Directory.EnumerateDirectories(tree.MountPoint).FirstOrDefault(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}
