using System.Globalization;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

[Collection(CgroupTestBed.OneAtATime)]
public sealed class CgroupTests
{
    [CgroupFact]
    public void Limits_are_set_in_the_tree_that_has_their_controller()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("limits", new ResourcesSpec
        {
            Memory = new MemorySpec { Limit = 64 << 20, Swap = 128 << 20, Reservation = 32 << 20, Swappiness = 7 },
            Cpu = new CpuSpec { Shares = 512, Quota = 50_000, Period = 200_000, Burst = 10_000, Cpus = "0" },
            Pids = new PidsSpec { Limit = 17 },
            BlockIO = new BlockIOSpec { Weight = 123 },
            HugepageLimits = [new HugepageLimitSpec { PageSize = "2MB", Limit = 4 << 20 }],
            Unified = new Dictionary<string, string> { ["cgroup.max.depth"] = "3" },
        });
        Assert.Empty(bed.NotApplied);
        Assert.Equal("67108864", CgroupTestBed.Read(cgroup, "memory", "memory.limit_in_bytes"));
        Assert.Equal("134217728", CgroupTestBed.Read(cgroup, "memory", "memory.memsw.limit_in_bytes"));
        Assert.Equal("33554432", CgroupTestBed.Read(cgroup, "memory", "memory.soft_limit_in_bytes"));
        Assert.Equal("7", CgroupTestBed.Read(cgroup, "memory", "memory.swappiness"));
        Assert.Equal("512", CgroupTestBed.Read(cgroup, "cpu", "cpu.shares"));
        Assert.Equal("50000", CgroupTestBed.Read(cgroup, "cpu", "cpu.cfs_quota_us"));
        Assert.Equal("200000", CgroupTestBed.Read(cgroup, "cpu", "cpu.cfs_period_us"));
        Assert.Equal("10000", CgroupTestBed.Read(cgroup, "cpu", "cpu.cfs_burst_us"));
        Assert.Equal("0", CgroupTestBed.Read(cgroup, "cpuset", "cpuset.cpus"));
        Assert.NotEqual("", CgroupTestBed.Read(cgroup, "cpuset", "cpuset.mems"));
        Assert.Equal("17", CgroupTestBed.Read(cgroup, "pids", "pids.max"));
        Assert.Equal("123", CgroupTestBed.Read(cgroup, "blkio", "blkio.bfq.weight"));
        Assert.Equal("4194304", CgroupTestBed.Read(cgroup, Cgroup.V2Key, "hugetlb.2MB.max")); // v2 has that one on this host
        Assert.Equal("3", CgroupTestBed.Read(cgroup, Cgroup.V2Key, "cgroup.max.depth"));
    }

    [CgroupFact]
    public void Devices_are_denied_except_the_default_ones_and_those_of_the_spec()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("devices", new ResourcesSpec
        {
            Devices = [new DeviceRuleSpec { Allow = false, Access = "rwm" },
                new DeviceRuleSpec { Allow = true, Type = "c", Major = 10, Minor = 229, Access = "rw" }],
        });
        Assert.DoesNotContain(
            "a *:* rwm", CgroupTestBed.Read(bed.Create("plain"), "devices", "devices.list"), StringComparison.Ordinal);
        var list = CgroupTestBed.Read(cgroup, "devices", "devices.list").Split('\n');
        Assert.Contains("c 10:229 rw", list);
        Assert.Contains("c 1:3 rwm", list);
        Assert.Contains("c *:* m", list);
        Assert.DoesNotContain("a *:* rwm", list);
        var shell = bed.Run(cgroup, "head -c1 /dev/zero | wc -c; head -c1 /dev/kmsg 2>/dev/null | wc -c");
        Assert.Equal("1", CgroupTestBed.Line(shell)!.Trim());
        Assert.Equal("0", CgroupTestBed.Line(shell)!.Trim());
        Assert.Contains("a *:* rwm",
            CgroupTestBed.Read(bed.Create("all", new ResourcesSpec { Devices = [new DeviceRuleSpec { Allow = true }] }),
            "devices", "devices.list"), StringComparison.Ordinal);
    }

    [CgroupFact]
    public void Limits_can_be_raised_and_lowered()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("update", Memory(64 << 20, 64 << 20));
        CgroupLimits.Update(cgroup, Memory(256 << 20, 512 << 20));
        Assert.Equal("268435456", CgroupTestBed.Read(cgroup, "memory", "memory.limit_in_bytes"));
        CgroupLimits.Update(cgroup, Memory(32 << 20, 32 << 20));
        Assert.Equal("33554432", CgroupTestBed.Read(cgroup, "memory", "memory.memsw.limit_in_bytes"));
        CgroupLimits.Update(cgroup,
            new ResourcesSpec { Memory = new MemorySpec { Limit = 0 }, Pids = new PidsSpec { Limit = 0 } });
        Assert.Equal("33554432", CgroupTestBed.Read(cgroup, "memory", "memory.limit_in_bytes"));
        CgroupLimits.Update(cgroup,
            new ResourcesSpec { Memory = new MemorySpec { Limit = -1 }, Pids = new PidsSpec { Limit = -1 } });
        Assert.Null(cgroup.Stats().Memory!.Memory.Limit);
        Assert.Null(cgroup.Stats().Pids!.Limit);
        CgroupLimits.Update(cgroup, new ResourcesSpec { Cpu = new CpuSpec { Quota = 10_000, Period = 100_000, Burst = 10_000 } });
        // burst fits only after quota
        CgroupLimits.Update(cgroup, new ResourcesSpec { Cpu = new CpuSpec { Quota = 50_000, Period = 500_000, Burst = 20_000 } });
        Assert.Equal("20000", CgroupTestBed.Read(cgroup, "cpu", "cpu.cfs_burst_us"));
    }

    [CgroupFact]
    public void A_rejected_value_is_named_and_nothing_is_left_behind()
    {
        using var bed = new CgroupTestBed();
        var e = Assert.Throws<CgroupException>(
            () => bed.Create("a/b/bad", new ResourcesSpec { Cpu = new CpuSpec { Cpus = "4000" } }));
        Assert.EndsWith("/bad/cpuset.cpus", e.File, StringComparison.Ordinal);
        Assert.Equal("4000", e.Value);
        Assert.Contains("4000", e.Message, StringComparison.Ordinal);
        Assert.NotEqual(Errno.None, e.Errno);
        Assert.Empty(bed.Left());
        Assert.All(bed.Hierarchies.All, h => Assert.False(Directory.Exists(h.MountPoint + bed.Directory)));

        e = Assert.Throws<CgroupException>(
            () => bed.Create("bad",
            new ResourcesSpec { HugepageLimits = [new HugepageLimitSpec { PageSize = "3MB", Limit = 1 }] }));
        Assert.EndsWith("/hugetlb.3MB.max", e.File, StringComparison.Ordinal);
        Assert.Equal(Errno.ENOENT, e.Errno);
        e = Assert.Throws<CgroupException>(
            () => bed.Create("bad", new ResourcesSpec { Unified = new Dictionary<string, string> { ["io.max"] = "x" } }));
        Assert.Contains("io", e.Message, StringComparison.Ordinal); // v1 has that controller
        Assert.Empty(bed.Left());
    }

    [CgroupFact]
    public void A_cgroup_with_processes_in_it_is_refused_and_left_alone()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("c", Memory(64 << 20, 0));
        var shell = bed.Run(cgroup, "exec sleep 60");
        var e = Assert.Throws<CgroupException>(() => CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c", null));
        Assert.Equal(Errno.EEXIST, e.Errno);
        Assert.Contains(shell.Id.ToString(CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
        Assert.Contains("another container of this name", e.Message, StringComparison.Ordinal);
        Assert.Equal([shell.Id], cgroup.Processes());
        Assert.Equal("67108864", CgroupTestBed.Read(cgroup, "memory", "memory.limit_in_bytes"));
    }

    [CgroupFact]
    public void An_empty_cgroup_of_an_earlier_run_is_recreated()
    {
        using var bed = new CgroupTestBed();
        var former = bed.Create("c", new ResourcesSpec { Pids = new PidsSpec { Limit = 5 } });
        Directory.CreateDirectory(former.Paths["pids"] + "/below");
        var cgroup = bed.Create("c");
        Assert.Equal("max", CgroupTestBed.Read(cgroup, "pids", "pids.max"));
        Assert.False(Directory.Exists(cgroup.Paths["pids"] + "/below"));
    }

    [CgroupFact]
    public void Deleting_removes_children_and_the_parents_made_for_it_but_no_others()
    {
        using var bed = new CgroupTestBed();
        var first = bed.Create("pod/a");
        var second = bed.Create("pod/b");
        Directory.CreateDirectory(second.Paths["memory"] + "/x/y");
        second.Delete(CgroupTestBed.Deadline);
        Assert.False(second.Exists);
        Assert.True(first.Exists);
        Cgroup.Open(second.Paths).Delete(CgroupTestBed.Deadline);
        Cgroup.Open(first.Paths).Delete(CgroupTestBed.Deadline); // as after a restart
        Cgroup.Open(first.Paths).Delete(CgroupTestBed.Deadline);
        Assert.All(bed.Hierarchies.All, h => Assert.False(Directory.Exists(h.MountPoint + bed.Directory)));
    }

    [CgroupFact]
    public void A_parent_made_by_another_program_stays_and_the_last_container_removes_ours()
    {
        using var bed = new CgroupTestBed();
        var others = bed.Hierarchies.All[0].MountPoint + bed.Directory;
        Directory.CreateDirectory(others);
        var first = bed.Create("pod/a");
        var second = bed.Create("pod/b");
        first.Delete(CgroupTestBed.Deadline); // the one that made the parents
        Assert.True(second.Exists);
        Assert.True(second.TryDeleteEmpty());
        Assert.Empty(bed.Left());
        Assert.True(Directory.Exists(others));
        Assert.All(bed.Hierarchies.All.Skip(1), h => Assert.False(Directory.Exists(h.MountPoint + bed.Directory)));
    }

    [CgroupFact]
    public void A_failed_creation_removes_the_parents_that_it_made()
    {
        using var bed = new CgroupTestBed();
        Assert.Throws<CgroupException>(() => bed.Create("pod/a", new ResourcesSpec { Cpu = new CpuSpec { Cpus = "4095" } }));
        Assert.All(bed.Hierarchies.All, h => Assert.False(Directory.Exists(h.MountPoint + bed.Directory)));
    }

    [CgroupTheory]
    [InlineData("v1")]
    [InlineData("v2")]
    public void A_frozen_cgroup_or_child_cgroup_is_refused_and_left_unchanged(string view)
    {
        using var bed = new CgroupTestBed(view);
        var frozen = bed.Create("c");
        frozen.Freeze(CgroupTestBed.Deadline);
        var e = Assert.Throws<CgroupException>(() => CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c", null));
        Assert.Contains("frozen", e.Message, StringComparison.Ordinal);
        Assert.True(frozen.IsFrozen);
        e = Assert.Throws<CgroupException>(() => CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c/below", null));
        Assert.Contains("frozen", e.Message, StringComparison.Ordinal);
        Assert.All(frozen.Directories, d => Assert.False(Directory.Exists(d + "/below")));
        frozen.Thaw(CgroupTestBed.Deadline);
        CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c/below", null).Delete(CgroupTestBed.Deadline);
    }

    [CgroupFact]
    public void Deleting_a_cgroup_with_a_process_fails_at_the_deadline_and_names_the_process()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("c");
        var shell = bed.Run(cgroup, "exec sleep 60");
        var e = Assert.Throws<CgroupException>(() => cgroup.Delete(TimeSpan.FromMilliseconds(100)));
        Assert.Equal(Errno.EBUSY, e.Errno);
        Assert.Contains($"pid {shell.Id}", e.Message, StringComparison.Ordinal);
    }

    [CgroupFact]
    public void Descriptors_of_tasks_are_writable_and_close_on_exec()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("c");
        var files = cgroup.OpenTasksFiles();
        Assert.Equal(cgroup.Directories.Count(d => d != cgroup.V2Directory), files.Count);
        Assert.All(files, fd =>
        {
            var flags = Convert.ToInt32(
                File.ReadLines($"/proc/self/fdinfo/{fd.Number}").First(l => l.StartsWith("flags:", StringComparison.Ordinal))[6..]
                .Trim(), 8);
            Assert.Equal((1, 0x80000), (flags & 3, flags & 0x80000));
            fd.Dispose();
        });
        using var directory = cgroup.OpenV2Directory();
        Assert.Equal(cgroup.V2Directory is null, directory is null);
    }

    [CgroupFact]
    public void Usage_is_counted()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create(
            "c", new ResourcesSpec { Memory = new MemorySpec { Limit = 64 << 20 }, Pids = new PidsSpec { Limit = 20 } });
        var shell = bed.Run(cgroup, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; exec sleep 60");
        Assert.Equal("done", CgroupTestBed.Line(shell));
        var stats = cgroup.Stats();
        Assert.Equal((1UL, (ulong?)20), (stats.Pids!.Current, stats.Pids.Limit));
        Assert.Equal(64UL << 20, stats.Memory!.Memory.Limit);
        Assert.InRange(stats.Memory.Memory.Bytes, 1UL, 64UL << 20);
        Assert.NotNull(stats.Memory.MemoryAndSwap);
        Assert.True(stats.Memory.Stat.ContainsKey("rss"));
        Assert.True(stats.Cpu!.TotalNanoseconds > 1_000_000);
        Assert.NotEmpty(stats.Cpu.PerCpuNanoseconds);
        Assert.InRange(stats.Cpu.UserNanoseconds + stats.Cpu.SystemNanoseconds, 1UL, stats.Cpu.TotalNanoseconds * 2);
        cgroup.KillAll(CgroupTestBed.Deadline);
        CgroupTestBed.Exited(shell);
        cgroup.Delete(CgroupTestBed.Deadline);
        Assert.Equal((null, null, null), (cgroup.Stats().Memory, cgroup.Stats().Pids, cgroup.Stats().Cpu));
        Assert.Empty(cgroup.Processes());
    }

    private static ResourcesSpec Memory(long limit, long swap) =>
        new() { Memory = new MemorySpec { Limit = limit, Swap = swap } };
}
