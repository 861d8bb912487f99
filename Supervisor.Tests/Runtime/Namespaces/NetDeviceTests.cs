using System.Net.NetworkInformation;
using Supervisor.Runtime.Oci;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Runtime.Namespaces;

/// <summary>linux.netDevices: network devices of the host that are moved into the container.</summary>
public sealed class NetDeviceTests : IAsyncLifetime
{
    private readonly TestContainers _containers = new();
    private readonly string _one = $"svt{Environment.ProcessId % 100000}a", _other = $"svt{Environment.ProcessId % 100000}b";

    public async Task InitializeAsync() => Assert.Equal(0, (await CommandLine.RunAsync("sh", "-c",
        $"ip link add {_one} type veth peer name {_other} && ip addr add 192.0.2.7/32 dev {_one} && ip addr add "
            + $"2001:db8::7/128 dev {_one} nodad && ip link set {_one} mtu 1400 up && ip link set {_other} up")).Status);

    public async Task DisposeAsync()
    {
        _containers.Dispose();
        await CommandLine.RunAsync("ip", "link", "del", _other); // removed with the namespace, unless the test failed
    }

    [Theory]
    [InlineData(null)]
    [InlineData("inside0")]
    public async Task A_device_is_moved_in_with_its_addresses_renamed_and_set_up(string? name)
    {
        var inside = name ?? _one;
        var outcome = await _containers.RunAsync(
            ["sh", "-c", $"cat /sys/class/net/{inside}/flags /sys/class/net/{inside}/mtu; cat /proc/net/fib_trie "
            + $"/proc/net/if_inet6; cat /proc/sys/net/ipv4/conf/{inside}/forwarding"], spec => spec with
        {
            Linux = spec.Linux! with
            {
                NetDevices = new Dictionary<string, NetDeviceSpec> { [_one] = new() { Name = name } },
                Sysctl = new Dictionary<string, string> { [$"net.ipv4.conf.{inside}.forwarding"] = "1" },
            },
        });
        Assert.Equal(0, outcome.Status);
        var lines = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1, Convert.ToInt32(lines[0], 16) & 1); // IFF_UP
        Assert.Equal("1400", lines[1]);
        Assert.Contains("192.0.2.7", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("20010db8000000000000000000000007", outcome.Output, StringComparison.Ordinal);
        Assert.Equal("1", lines[^1]);
        Assert.DoesNotContain(_one, NetworkInterface.GetAllNetworkInterfaces().Select(i => i.Name));
    }

    [Fact]
    public void A_missing_or_immovable_device_is_refused_by_field()
    {
        var spec = TestContainers.Shell("true");
        InvalidSpecException Refused(string name, string? inside = null) =>
            Assert.Throws<InvalidSpecException>(() => _containers.Create(spec with
        {
            Linux = spec.Linux! with { NetDevices = new Dictionary<string, NetDeviceSpec> { [name] = new() { Name = inside } } },
        }));
        Assert.Equal("linux.netDevices.nosuch0", Refused("nosuch0").Field);
        Assert.Equal("linux.netDevices.lo", Refused("lo", "lo2").Field); // of a kind that cannot be moved
        Assert.Equal($"linux.netDevices.{_one}", Refused(_one, "lo").Field); // the name exists
        Assert.Contains(_one, NetworkInterface.GetAllNetworkInterfaces().Select(i => i.Name));
        Assert.StartsWith("linux.netDevices[", Refused("a b").Field, StringComparison.Ordinal);
    }
}
