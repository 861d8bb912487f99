using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

/// <summary>Reads and writes of v2's files, tried on plain files: a host with v1 controllers has no real ones.</summary>
public sealed class CgroupV2FilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("supervisor-v2-").FullName;
    private readonly Cgroup _cgroup;

    public CgroupV2FilesTests()
    {
        Put("cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
        foreach (var file in (
            string[])["memory.max", "memory.swap.max", "memory.low", "cpu.weight", "cpu.max", "cpu.max.burst", "cpu.idle",
            "cpuset.cpus", "cpuset.mems", "pids.max", "io.weight", "io.max", "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max",
                "memory.high"]) Put(file, "");
        _cgroup = Cgroup.Open(new Dictionary<string, string> { [Cgroup.V2Key] = _directory });
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Limits_of_the_spec_are_converted()
    {
        var notApplied = CgroupLimits.Update(_cgroup, new ResourcesSpec
        {
            Memory = new MemorySpec {
                Limit = 1000, Swap = 3000, Reservation = 500, Swappiness = 3, DisableOomKiller = true, KernelTCP = 5 },
            Cpu = new CpuSpec { Shares = 1024, Quota = 20_000, Period = 100_000, Burst = 5, Cpus = "0-1", Mems = "0",
                RealtimePeriod = 9 },
            Pids = new PidsSpec { Limit = 9 },
            BlockIO = new BlockIOSpec {
                Weight = 500, LeafWeight = 10,
                ThrottleWriteIopsDevice = [new ThrottleDeviceSpec { Major = 8, Minor = 1, Rate = 7 }] },
            HugepageLimits = [new HugepageLimitSpec { PageSize = "2MB", Limit = 1 << 21 }],
            Unified = new Dictionary<string, string> { ["memory.high"] = "900" },
        });
        Assert.Equal("1000", Get("memory.max"));
        Assert.Equal("2000", Get("memory.swap.max"));
        Assert.Equal("500", Get("memory.low"));
        Assert.Equal("39", Get("cpu.weight"));
        Assert.Equal("20000 100000", Get("cpu.max"));
        Assert.Equal("5", Get("cpu.max.burst"));
        Assert.Equal("0-1", Get("cpuset.cpus"));
        Assert.Equal("0", Get("cpuset.mems"));
        Assert.Equal("9", Get("pids.max"));
        Assert.Equal("4950", Get("io.weight"));
        Assert.Equal("8:1 wiops=7", Get("io.max"));
        Assert.Equal("2097152", Get("hugetlb.2MB.max"));
        Assert.Equal("2097152", Get("hugetlb.2MB.rsvd.max"));
        Assert.Equal("900", Get("memory.high"));
        Assert.Equal(["linux.resources.memory.kernelTCP", "linux.resources.memory.swappiness",
            "linux.resources.memory.disableOOMKiller",
            "linux.resources.cpu.realtimeRuntime", "linux.resources.blockIO.leafWeight"], notApplied.Select(n => n.Field));
    }

    [Fact]
    public void Minus_one_means_max_and_zero_means_unset()
    {
        CgroupLimits.Update(_cgroup,
            new ResourcesSpec { Memory = new MemorySpec { Limit = -1, Reservation = -1 }, Cpu = new CpuSpec { Quota = -1 },
            Pids = new PidsSpec { Limit = -1 } });
        Assert.Equal(("max", "max", "max", "max", "max"),
            (Get("memory.max"), Get("memory.swap.max"), Get("memory.low"), Get("cpu.max"), Get("pids.max")));
        Put("memory.max", "");
        Put("cpu.max", "");
        CgroupLimits.Update(_cgroup,
            new ResourcesSpec { Memory = new MemorySpec { Limit = 0, Swap = 0, Reservation = 1 },
            Cpu = new CpuSpec { Quota = 0, Period = 0, Shares = 0 } });
        Assert.Equal(("", ""), (Get("memory.max"), Get("cpu.max")));
    }

    [Fact]
    public void A_period_alone_keeps_the_quota_and_swap_alone_is_relative_to_the_limit()
    {
        Put("cpu.max", "30000 100000\n");
        Put("memory.max", "1000\n");
        CgroupLimits.Update(_cgroup,
            new ResourcesSpec { Cpu = new CpuSpec { Period = 200000 }, Memory = new MemorySpec { Swap = 1500 } });
        Assert.StartsWith("30000 200000", Get("cpu.max"), StringComparison.Ordinal);
        Assert.Equal("500", Get("memory.swap.max"));
        Put("memory.max", "max\n");
        Assert.EndsWith("/memory.swap.max", Assert.Throws<CgroupException>(() =>
            CgroupLimits.Update(_cgroup, new ResourcesSpec { Memory = new MemorySpec { Swap = 1500 } })).File,
                StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_below_the_current_usage_is_refused_on_request()
    {
        Put("memory.current", "5000\n");
        var e = Assert.Throws<CgroupException>(
            () => CgroupLimits.Update(
            _cgroup, new ResourcesSpec { Memory = new MemorySpec { Limit = 4999, CheckBeforeUpdate = true } }));
        Assert.Equal(Supervisor.Kernel.Abi.Errno.EBUSY, e.Errno);
        Assert.Equal("", Get("memory.max"));
        CgroupLimits.Update(_cgroup, new ResourcesSpec { Memory = new MemorySpec { Limit = 4999 } });
        Assert.Equal("4999", Get("memory.max"));
    }

    [Theory]
    [InlineData(0UL, 1UL)]
    [InlineData(2UL, 1UL)]
    [InlineData(1024UL, 39UL)]
    [InlineData(262144UL, 10000UL)]
    [InlineData(ulong.MaxValue, 10000UL)]
    public void Shares_become_weight(ulong shares, ulong weight) => Assert.Equal(weight, CpuLimits.WeightOf(shares));

    [Theory]
    [InlineData(10, 1)]
    [InlineData(500, 4950)]
    [InlineData(1000, 10000)]
    public void Block_weights_are_scaled(int v1, int v2) => Assert.Equal(v2, IoLimitsV2.WeightOf(v1));

    [Fact]
    public void Counters_are_read()
    {
        Put("memory.current", "100\n");
        Put("memory.max", "max\n");
        Put("memory.peak", "200\n");
        Put("memory.stat", "anon 60\nfile 40\n");
        Put("memory.events", "low 0\nhigh 0\nmax 5\noom 1\noom_kill 3\n");
        Put("memory.swap.current", "7\n");
        Put("memory.swap.max", "1000\n");
        Put("pids.current", "4\n");
        Put("pids.max", "10\n");
        Put("cpu.stat", "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 9\nnr_throttled 2\nthrottled_usec 11\n");
        Put("io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n259:0\n254:0 rbytes=9 wbytes=0 rios=1 wios=0 "
            + "cost.usage=3\n");
        Put("hugetlb.2MB.current", "2097152\n");
        Put("hugetlb.2MB.max", "max\n");
        Put("hugetlb.2MB.events", "max 6\n");
        Put("hugetlb.2MB.rsvd.current", "1\n");
        var stats = _cgroup.Stats();
        Assert.Equal(new MemoryUsage(100, null, 200, 5), stats.Memory!.Memory);
        Assert.Equal(new MemoryUsage(7, 1000, null, 0), stats.Memory.Swap);
        Assert.Equal((40UL, 3UL), (stats.Memory.Stat["file"], stats.Memory.Events["oom_kill"]));
        Assert.Equal(new PidsStats(4, 10), stats.Pids);
        Assert.Equal((5_000_000UL, 3_000_000UL, 2_000_000UL, 9UL, 2UL, 11_000UL),
            (stats.Cpu!.TotalNanoseconds, stats.Cpu.UserNanoseconds,
            stats.Cpu.SystemNanoseconds, stats.Cpu.Periods, stats.Cpu.ThrottledPeriods, stats.Cpu.ThrottledNanoseconds));
        Assert.Equal([new(8, 0, "Read", 1, 3), new(8, 0, "Write", 2, 4), new(8, 0, "Discard", 5, 6), new(254, 0, "Read", 9, 1),
            new(254, 0, "Write", 0, 0)], stats.BlockIO);
        Assert.Equal(new MemoryUsage(2097152, null, null, 6), Assert.Single(stats.Hugepages).Value);
        Assert.Equal(3UL, _cgroup.OomKills());
    }

    [Fact]
    public void Counters_of_v1_block_devices_are_merged()
    {
        var entries = IOText.StatV1("8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n", "8:0 Read 1\n8:16 Read 2\nTotal 3\n");
        Assert.Equal([new(8, 0, "Read", 10, 1), new(8, 0, "Write", 20, null), new(8, 0, "Total", 30, null),
            new(8, 16, "Read", null, 2)], entries);
    }

    private void Put(string file, string text) => File.WriteAllText(Path.Combine(_directory, file), text);

    private string Get(string file) => File.ReadAllText(Path.Combine(_directory, file));
}
