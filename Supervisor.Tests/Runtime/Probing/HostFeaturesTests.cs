using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Probing;

namespace Supervisor.Tests.Runtime.Probing;

[Collection(Alone.Name)] // others mount at the same time
public sealed class HostFeaturesTests
{
    [Fact]
    public void Every_feature_is_reported_once()
    {
        var all = HostFeatures.Probe();
        Assert.Equal(all.Count, all.Select(f => f.Name).Distinct().Count());
        Assert.All(all, f => Assert.True(f is { Name.Length: > 0, Detail.Length: > 0, UsedFor.Length: > 0 }, f.ToString()));
        string[] expected = ["kernel", "clone3", "CLONE_INTO_CGROUP", "pidfd_open", "PIDFD_GET_INFO", "close_range", "openat2",
            "fsopen", "open_tree",
            "mount_setattr", "F_SEAL_EXEC", "cgroups", "cgroup memory", "cgroup pids", "cgroup cpu", "cgroup cpuset", "cgroup io",
            "cgroup hugetlb", "cgroup devices",
            "cgroup.kill", "freezer", "pid namespace", "net namespace", "mnt namespace", "ipc namespace", "uts namespace",
            "cgroup namespace", "time namespace",
            "user namespace", "overlayfs", "seccomp", "AppArmor", "SELinux", "root", "capabilities", "ptrace", "criu"];
        Assert.Equal(expected, all.Select(f => f.Name));
    }

    // A call that the version has but the probe misses is a wrong probe (or a seccomp filter that answers ENOSYS).
    [Theory]
    [InlineData("pidfd_open", 5, 3)]
    [InlineData("clone3", 5, 3)]
    [InlineData("openat2", 5, 6)]
    [InlineData("CLONE_INTO_CGROUP", 5, 7)]
    [InlineData("close_range", 5, 9)]
    [InlineData("mount_setattr", 5, 12)]
    [InlineData("F_SEAL_EXEC", 6, 3)]
    [InlineData("PIDFD_GET_INFO", 6, 13)]
    public void A_call_is_found_from_its_first_version_on(string name, int major, int minor)
    {
        var feature = HostFeatures.Probe().Single(f => f.Name == name);
        if (feature.Detail.Contains("ENOSYS", StringComparison.Ordinal) && !feature.Present) return;
        Assert.Equal(SyscallProbes.IsAtLeast(File.ReadAllText("/proc/sys/kernel/osrelease"), major, minor), feature.Present);
    }

    [Fact]
    public void The_reported_features_agree_with_the_system()
    {
        var host = HostFeatures.Probe().ToDictionary(f => f.Name);
        Assert.True(host["kernel"].Present);
        Assert.Equal(Environment.UserName == "root",
            host["root"].Detail.StartsWith("root", StringComparison.Ordinal)
            && !host["root"].Detail.StartsWith("rootless", StringComparison.Ordinal));
        var trees = CgroupHierarchies.Discover();
        Assert.Equal(trees.Layout is not CgroupLayout.None, host["cgroups"].Present);
        Assert.Equal(
            trees.All.Any(t => t.Controllers.Contains("devices")) || trees.V2 is not null, host["cgroup devices"].Present);
        var resource = (Convert.ToUInt64(
            File.ReadLines("/proc/self/status").First(l => l.StartsWith("CapEff", StringComparison.Ordinal))[7..].Trim(),
            16) >> 24 & 1) != 0;
        Assert.Equal(!resource, host["capabilities"].Detail.Contains("CAP_SYS_RESOURCE", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("5.10.0-28-amd64", true)]
    [InlineData("5.9.16", false)]
    [InlineData("6.1", true)]
    [InlineData("4.19.0", false)]
    [InlineData("10.0.1+", true)]
    [InlineData("5.10-rc1", true)]
    [InlineData("unknown", false)]
    [InlineData("", false)]
    public void Releases_are_compared_by_number(string release, bool isAtLeast) =>
        Assert.Equal(isAtLeast, SyscallProbes.IsAtLeast(release, 5, 10));

    [Fact]
    public void Probing_leaves_nothing_behind()
    {
        var mounts = File.ReadAllText("/proc/self/mountinfo");
        for (var i = 0; i < 50; i++) HostFeatures.Probe();
        Assert.Equal(mounts, File.ReadAllText("/proc/self/mountinfo"));
        // The runtime opens and closes files at the same time: only a leak in every round can be distinguished from that.
        string[] kinds = ["pidfd", "memfd:probe", "[fscontext]"];
        var open = Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(f => File.ResolveLinkTarget(f, returnFinalTarget: false)?.FullName ?? "").ToList();
        Assert.All(kinds, kind => Assert.InRange(open.Count(t => t.Contains(kind, StringComparison.Ordinal)), 0, 49));
        Assert.InRange(open.Count(t => t == "/" || t == Environment.CurrentDirectory), 0, 49);
    }
}
