using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

public sealed class CgroupHierarchiesTests
{
    [Theory]
    [InlineData("v1", CgroupLayout.V1, 12)]
    [InlineData("v2", CgroupLayout.V2, 1)]
    [InlineData("hybrid", CgroupLayout.Hybrid, 10)]
    [InlineData("nested-v1", CgroupLayout.V1, 6)]
    [InlineData("nested-v2", CgroupLayout.V2, 1)]
    [InlineData("covered", CgroupLayout.V2, 1)]
    public void The_layout_is_detected_from_the_mount_table(string fixture, CgroupLayout layout, int trees)
    {
        var hierarchies = Parse(fixture);
        Assert.Equal(layout, hierarchies.Layout);
        // The kernel of v1.cgroup has rdma, but it is not mounted.
        Assert.Equal(fixture == "v1" ? trees - 1 : trees, hierarchies.All.Count);
    }

    [Theory]
    [InlineData("v1", "memory", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/user.slice/user-1000.slice")]
    [InlineData("v1", "cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/user.slice")]
    [InlineData("v1", "freezer", "/sys/fs/cgroup/freezer", "/sys/fs/cgroup/freezer")]
    [InlineData("v1", "name=systemd", "/sys/fs/cgroup/systemd",
        "/sys/fs/cgroup/systemd/user.slice/user-1000.slice/session-3.scope")]
    [InlineData("hybrid", "memory", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/process_api/62e7d2053d595778")]
    [InlineData("nested-v1", "memory", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory")]
    [InlineData("nested-v1", "pids", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids/inner")]
    // ours is outside, in spite of a similar path
    [InlineData("nested-v1", "freezer", "/sys/fs/cgroup/freezer", "/sys/fs/cgroup/freezer")]
    public void Every_controller_is_found_with_our_own_cgroup(string fixture, string controller, string mountPoint, string own)
    {
        var hierarchy = Parse(fixture).All.Single(h => h.Controllers.Contains(controller));
        Assert.Equal((1, mountPoint, own), (hierarchy.Version, hierarchy.MountPoint, hierarchy.OwnDirectory));
    }

    [Theory]
    [InlineData("v2", "/sys/fs/cgroup", "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope")]
    [InlineData("hybrid", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified")]
    [InlineData("nested-v2", "/sys/fs/cgroup", "/sys/fs/cgroup")] // not the mount that shows our ancestors
    [InlineData("covered", "/sys/fs/cgroup", "/sys/fs/cgroup")]
    public void The_v2_tree_is_found_with_our_own_cgroup(string fixture, string mountPoint, string own) =>
        Assert.Equal((mountPoint, own), (Parse(fixture).V2!.MountPoint, Parse(fixture).V2!.OwnDirectory));

    [Fact]
    public void An_absolute_path_starts_at_the_mount_and_a_relative_one_at_our_own_cgroup()
    {
        var hybrid = Parse("hybrid");
        Assert.Equal("/sys/fs/cgroup/memory/default/r1", hybrid.DirectoriesOf("/default/r1")["memory"]);
        Assert.Equal("/sys/fs/cgroup/unified/default/r1", hybrid.DirectoriesOf("/default/r1")[Cgroup.V2Key]);
        Assert.Equal("/sys/fs/cgroup/memory/process_api/62e7d2053d595778/r1", hybrid.DirectoriesOf("r1")["memory"]);
        Assert.Equal("/sys/fs/cgroup/cpu/r1", hybrid.DirectoriesOf("r1")["cpu"]);
        Assert.Equal(10, hybrid.DirectoriesOf("r1").Count);
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct/a", Parse("v1").DirectoriesOf("/a")["cpu"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("/default/../../etc")]
    [InlineData("/default/./x")]
    [InlineData("/default//x")]
    [InlineData("//x")]
    [InlineData("/default/x/")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    public void A_path_that_could_escape_is_refused(string path) =>
        Assert.Equal("linux.cgroupsPath",
            Assert.Throws<InvalidSpecException>(() => CgroupLimits.Create(Parse("hybrid"), path, null)).Field);

    [Fact]
    public void Damaged_texts_are_parsed_as_far_as_possible()
    {
        var (mounts, cgroup) = (Text("v1.mountinfo"), Text("v1.cgroup"));
        for (var length = 0; length < mounts.Length; length += 7)
            Assert.InRange(CgroupHierarchies.Parse(mounts[..length], cgroup[..Math.Min(length, cgroup.Length)]).All.Count, 0, 11);
        Assert.Equal(CgroupLayout.None, CgroupHierarchies.Parse("", "").Layout);
    }

    [Fact]
    public void This_machine_has_at_least_one_tree_and_its_directory_exists()
    {
        var found = CgroupHierarchies.Discover();
        Assert.NotEqual(CgroupLayout.None, found.Layout);
        Assert.All(found.All, h => Assert.True(File.Exists(h.OwnDirectory + "/cgroup.procs"), h.OwnDirectory));
    }

    private static CgroupHierarchies Parse(string fixture) =>
        CgroupHierarchies.Parse(Text(fixture + ".mountinfo"), Text(fixture + ".cgroup"));

    private static string Text(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "mountinfo", name));
}
