using System.Globalization;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

public sealed class NamesTests
{
    [Fact]
    public void The_capability_table_does_not_exceed_the_kernels()
    {
        var last = int.Parse(File.ReadAllText("/proc/sys/kernel/cap_last_cap"), CultureInfo.InvariantCulture);
        Assert.Equal(41, Capability.Names.Count);
        Assert.InRange(last, 0, 63);
        if (last == 40) Assert.Equal("CAP_CHECKPOINT_RESTORE", Capability.Names[last]);
    }

    [Theory]
    [InlineData("CAP_CHOWN", 0)]
    [InlineData("CAP_SETPCAP", 8)]
    [InlineData("CAP_NET_RAW", 13)]
    [InlineData("CAP_SYS_ADMIN", 21)]
    [InlineData("CAP_SYS_RESOURCE", 24)]
    [InlineData("CAP_MKNOD", 27)]
    [InlineData("CAP_SETFCAP", 31)]
    [InlineData("CAP_BPF", 39)]
    [InlineData("CAP_CHECKPOINT_RESTORE", 40)]
    [InlineData("cap_chown", null)]
    [InlineData("CHOWN", null)]
    public void A_capability_has_the_number_of_the_kernels_header(string name, int? number) =>
        Assert.Equal(number, Capability.TryNumber(name));

    [Fact]
    public void A_set_of_capabilities_survives_conversion_to_a_mask()
    {
        // as /proc/self/status shows it in a docker container
        Assert.Equal(0xa80425fbUL, Capability.Mask(DefaultSpec.Capabilities));
        Assert.Equal(DefaultSpec.Capabilities.Order(), Capability.NamesOf(0xa80425fb).Order());
        Assert.Equal(["CAP_63"], Capability.NamesOf(1UL << 63));
        Assert.Equal(0UL, Capability.Mask(["CAP_FLY"]));
    }

    [Fact]
    public void The_resource_limits_are_in_the_order_of_proc_self_limits()
    {
        string[] titles = ["cpu time", "file size", "data size", "stack size", "core file", "resident set", "processes",
            "open files",
            "locked memory", "address space", "file locks", "pending signals", "msgqueue", "nice", "realtime priority",
                "realtime timeout"];
        var lines = File.ReadAllLines("/proc/self/limits")[1..];
        Assert.Equal(lines.Length, Rlimit.Names.Count);
        for (var i = 0; i < titles.Length; i++) Assert.Contains(titles[i], lines[i], StringComparison.Ordinal);
        Assert.Equal(7, Rlimit.TryNumber("RLIMIT_NOFILE"));
        Assert.Equal(15, Rlimit.TryNumber("RLIMIT_RTTIME"));
        Assert.Null(Rlimit.TryNumber("NOFILE"));
    }
}
