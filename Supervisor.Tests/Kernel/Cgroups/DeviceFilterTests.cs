using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

/// <summary>Device rules of cgroup v2: programs that the real kernel verifies and runs.</summary>
[Collection(CgroupTestBed.OneAtATime)]
public sealed class DeviceFilterTests : IDisposable
{
    private readonly CgroupTestBed _bed = new("v2");
    private static int _last;

    public void Dispose() => _bed.Dispose();

    [CgroupFact]
    public void Every_device_but_the_default_ones_is_denied()
    {
        var cgroup = Make(Rule(false));
        Assert.Equal("r r r w", Try(cgroup, "r /dev/null", "r /dev/zero", "r /dev/urandom", "w /dev/null"));
        Assert.Equal("- -", Try(cgroup, "r /dev/kmsg", "w /dev/kmsg"));
    }

    [CgroupFact]
    public void A_later_rule_wins_and_each_kind_of_access_counts_for_itself()
    {
        Assert.Equal("r -", Try(Make(Rule(false), Rule(true, "c", 1, 11, "r")), "r /dev/kmsg", "w /dev/kmsg"));
        Assert.Equal("r w", Try(
            Make(Rule(false), Rule(true, "c", 1, 11, "r"), Rule(true, "c", 1, null, "w")), "r /dev/kmsg", "w /dev/kmsg"));
        Assert.Equal("r -", Try(Make(Rule(false), Rule(true), Rule(false, "c", 1, 11, "w")), "r /dev/kmsg", "w /dev/kmsg"));
        Assert.Equal("- -", Try(Make(Rule(false), Rule(true, "b", 1, 11)), "r /dev/kmsg", "w /dev/kmsg"));
        Assert.Equal("r w", Try(Make(Rule(false), Rule(false, "c", 1, 11), Rule(true)), "r /dev/kmsg", "w /dev/kmsg"));
    }

    [CgroupFact]
    public void New_rules_replace_old_ones()
    {
        var cgroup = Make(Rule(false));
        DeviceFilter.Set(cgroup.Paths[Cgroup.V2Key], [Rule(false), Rule(true, "c", 1, 11), .. DeviceAccess.AlwaysAllowed]);
        Assert.Equal(1, DeviceFilter.Count(cgroup.Paths[Cgroup.V2Key]));
        Assert.Equal("r", Try(cgroup, "r /dev/kmsg"));
    }

    [CgroupFact]
    public void Without_a_denied_device_no_program_is_loaded() =>
        Assert.Equal(0, DeviceFilter.Count(Make(Rule(true)).Paths[Cgroup.V2Key]));

    private Cgroup Make(params DeviceRuleSpec[] rules)
    {
        var cgroup = _bed.Create($"c{Interlocked.Increment(ref _last)}", new ResourcesSpec { Devices = rules });
        Assert.Empty(_bed.NotApplied);
        return cgroup;
    }

    private static DeviceRuleSpec Rule(
        bool allow, string? type = null, long? major = null, long? minor = null, string? access = "rwm") =>
        new() { Allow = allow, Type = type, Major = major, Minor = minor, Access = access };

    private string Try(Cgroup cgroup, params string[] accesses)
    {
        var script = string.Join("; ", accesses.Select(a =>
            $"if ( : {(a[0] == 'r' ? "<" : ">>")} {a[2..]} ) 2>/dev/null; then echo {a[0]}; else echo -; fi"));
        var shell = _bed.Run(cgroup, script);
        return string.Join(' ', accesses.Select(_ => CgroupTestBed.Line(shell)));
    }
}
