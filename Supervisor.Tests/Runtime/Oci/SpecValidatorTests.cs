using System.Text.Json.Nodes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

public sealed class SpecValidatorTests
{
    // Path, value to put there (JSON; "-" removes it), and the field of the error if it differs from the path.
    [Theory]
    [InlineData("ociVersion", "-", null)]
    [InlineData("ociVersion", "\"2.0.0\"", null)]
    [InlineData("ociVersion", "\"1.0\"", null)]
    [InlineData("process", "-", null)]
    [InlineData("process.args", "[]", null)]
    [InlineData("process.cwd", "\"/proc/self/fd/7\"", null)]
    [InlineData("process.cwd", "\"/proc//1/./fd\"", null)]
    [InlineData("process.scheduler", "{\"policy\":\"SCHED_MAYBE\"}", "process.scheduler.policy")]
    [InlineData("process.scheduler", "{\"policy\":\"SCHED_BATCH\",\"nice\":20}", "process.scheduler.nice")]
    [InlineData("process.scheduler", "{\"policy\":\"SCHED_OTHER\",\"runtime\":1}", "process.scheduler.runtime")]
    [InlineData("process.ioPriority", "{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}", "process.ioPriority.priority")]
    [InlineData("process.execCPUAffinity", "{\"initial\":\"1-0\"}", "process.execCPUAffinity.initial")]
    [InlineData("linux.personality", "{\"domain\":\"SOLARIS\"}", "linux.personality.domain")]
    [InlineData("linux.intelRdt", "{\"closID\":\"../x\"}", "linux.intelRdt.closID")]
    [InlineData("linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_MAYBE\"}", "linux.seccomp.defaultAction")]
    [InlineData("linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "linux.seccomp.defaultAction")]
    [InlineData("linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
        "linux.seccomp.defaultErrnoRet")]
    [InlineData("linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_VAX\"]}",
        "linux.seccomp.architectures[0]")]
    [InlineData("linux.seccomp",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_KILL\"}]}",
        "linux.seccomp.syscalls[0].names")]
    [InlineData("linux.seccomp",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\","
        + "\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}", "linux.seccomp.syscalls[0].args[0].index")]
    [InlineData("linux.seccomp",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}",
        "linux.seccomp.listenerPath")]
    [InlineData("linux.namespaces[0]", "{\"type\":\"user\"}", "linux.uidMappings")]
    [InlineData("linux.timeOffsets", "{\"monotonic\":{\"secs\":1}}", "linux.timeOffsets")]
    [InlineData("mounts[1]", "{\"destination\":\"/proc/x\",\"type\":\"tmpfs\"}", "mounts[1].destination")]
    [InlineData("mounts[1]", "{\"destination\":\"/proc/\",\"type\":\"tmpfs\"}", "mounts[1].destination")]
    [InlineData("process.args", "[\"\"]", "process.args[0]")]
    [InlineData("process.args", "[\"sh\",\"a\\u0000b\"]", "process.args[1]")]
    [InlineData("process.env", "[\"A=1\",\"B=\\u0000\"]", "process.env[1]")]
    [InlineData("process.env", "[\"A=1\",\"LD_PRELOAD\"]", "process.env[1]")]
    [InlineData("process.env", "[\"=x\"]", "process.env[0]")]
    [InlineData("process.cwd", "-", null)]
    [InlineData("process.cwd", "\"tmp\"", null)]
    [InlineData("process.cwd", "\"/a\\u0000\"", null)]
    [InlineData("process.oomScoreAdj", "1001", null)]
    [InlineData("process.consoleSize", "{\"height\":70000,\"width\":80}", "process.consoleSize.height")]
    [InlineData("process.user.umask", "512", null)]
    [InlineData("process.user", "{\"uid\":0,\"gid\":0,\"username\":\"nobody\"}", "process.user.username")]
    [InlineData("process.capabilities.effective", "[\"CAP_SYS_ADMIN\"]", "process.capabilities.effective[0]")]
    [InlineData("process.rlimits", "[{\"type\":\"RLIMIT_HEIGHT\"}]", "process.rlimits[0].type")]
    [InlineData("process.rlimits", "[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]", "process.rlimits[0].soft")]
    [InlineData("process.rlimits", "[{\"type\":\"RLIMIT_CPU\"},{\"type\":\"RLIMIT_CPU\"}]", "process.rlimits[1].type")]
    [InlineData("root", "-", null)]
    [InlineData("root.path", "\"\"", null)]
    [InlineData("hostname", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", null)]
    [InlineData("mounts[0].destination", "\"proc\"", null)]
    [InlineData("mounts[0].destination", "-", null)]
    [InlineData("mounts[0].type", "-", null)]
    [InlineData("mounts[0].options", "[\"tmpcopyup\"]", "mounts[0].options[0]")]
    [InlineData("mounts[0]", "{\"destination\":\"/d\",\"options\":[\"rbind\"]}", "mounts[0].source")]
    [InlineData("mounts[0]", "{\"destination\":\"/d\",\"type\":\"tmpfs\",\"options\":[\"idmap\"]}", "mounts[0].options")]
    [InlineData("linux.namespaces[2].type", "\"universe\"", null)]
    [InlineData("linux.namespaces[2].type", "-", null)]
    [InlineData("linux.namespaces[2].type", "\"pid\"", null)]
    [InlineData("linux.namespaces[2].path", "\"relative\"", null)]
    [InlineData("linux.namespaces", "[]", "linux.maskedPaths")]
    [InlineData("linux.uidMappings", "[{\"containerID\":0,\"hostID\":1000,\"size\":1}]", null)]
    [InlineData("linux.timeOffsets", "{\"monotonic\":{\"secs\":1}}", null)]
    [InlineData("linux.sysctl", "{\"kernel.core_pattern\":\"|/bin/sh\"}", "linux.sysctl['kernel.core_pattern']")]
    [InlineData("linux.sysctl", "{\"net.../../kernel/core_pattern\":\"x\"}", "linux.sysctl['net.../../kernel/core_pattern']")]
    [InlineData("linux.sysctl", "{\"net/../kernel/core_pattern\":\"x\"}", "linux.sysctl['net/../kernel/core_pattern']")]
    [InlineData("linux.sysctl", "{\"kernel.shmmax\":\"1\\n2\"}", "linux.sysctl['kernel.shmmax']")]
    [InlineData("linux.sysctl", "{\"kernel.shmmax+kernel.core_pattern\":\"1\"}",
        "linux.sysctl['kernel.shmmax+kernel.core_pattern']")]
    [InlineData("linux.sysctl", "{\"kernel.hostname\":\"h\"}", "linux.sysctl['kernel.hostname']")]
    [InlineData("linux.sysctl", "{\"vm.swappiness\":\"1\"}", "linux.sysctl['vm.swappiness']")]
    [InlineData("linux.devices", "[{\"type\":\"x\",\"path\":\"/dev/x\"}]", "linux.devices[0].type")]
    [InlineData("linux.devices", "[{\"type\":\"c\",\"path\":\"dev/x\"}]", "linux.devices[0].path")]
    [InlineData("linux.devices", "[{\"type\":\"c\",\"path\":\"/dev/../etc/x\"}]", "linux.devices[0].path")]
    [InlineData("linux.devices", "[{\"type\":\"c\",\"path\":\"/\"}]", "linux.devices[0].path")]
    [InlineData("linux.devices", "[{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":5000}]", "linux.devices[0].major")]
    [InlineData("linux.devices", "[{\"type\":\"c\",\"path\":\"/dev/x\",\"minor\":-1}]", "linux.devices[0].minor")]
    [InlineData("linux.devices", "[{\"type\":\"p\",\"path\":\"/dev/x\"},{\"type\":\"p\",\"path\":\"/dev//x\"}]",
        "linux.devices[1].path")]
    [InlineData("linux.devices", "[{\"type\":\"c\",\"path\":\"/dev/x\",\"fileMode\":65536}]", "linux.devices[0].fileMode")]
    [InlineData("linux.cgroupsPath", "\"/default/../../etc\"", null)]
    [InlineData("linux.cgroupsPath", "\"a//b\"", null)]
    [InlineData("linux.cgroupsPath", "\"/\"", null)]
    [InlineData("linux.cgroupsPath", "\"a\\u0000b\"", null)]
    [InlineData("linux.rootfsPropagation", "\"public\"", null)]
    [InlineData("linux.maskedPaths", "[\"proc/kcore\"]", "linux.maskedPaths[0]")]
    [InlineData("linux.readonlyPaths", "[\"/a\",\"b\"]", "linux.readonlyPaths[1]")]
    [InlineData("linux.resources.devices", "[{\"type\":\"p\"}]", "linux.resources.devices[0].type")]
    [InlineData("linux.resources.devices", "[{\"allow\":true,\"major\":1}]", "linux.resources.devices[0].type")]
    [InlineData("linux.resources.devices", "[{\"allow\":true,\"access\":\"r\"}]", "linux.resources.devices[0].type")]
    [InlineData("linux.resources.devices", "[{\"access\":\"rx\"}]", "linux.resources.devices[0].access")]
    [InlineData("linux.resources.devices", "[{\"major\":-2}]", "linux.resources.devices[0].major")]
    [InlineData("linux.resources.memory", "{\"limit\":-5}", "linux.resources.memory.limit")]
    [InlineData("linux.resources.memory", "{\"limit\":100,\"swap\":99}", "linux.resources.memory.swap")]
    [InlineData("linux.resources.memory", "{\"swappiness\":101}", "linux.resources.memory.swappiness")]
    [InlineData("linux.resources.cpu", "{\"cpus\":\"0-\"}", "linux.resources.cpu.cpus")]
    [InlineData("linux.resources.cpu", "{\"mems\":\"3-1\"}", "linux.resources.cpu.mems")]
    [InlineData("linux.resources.cpu", "{\"quota\":-2}", "linux.resources.cpu.quota")]
    [InlineData("linux.resources.cpu", "{\"idle\":2}", "linux.resources.cpu.idle")]
    [InlineData("linux.resources.blockIO", "{\"weight\":5}", "linux.resources.blockIO.weight")]
    [InlineData("linux.resources.hugepageLimits", "[{\"pageSize\":\"2M\"}]", "linux.resources.hugepageLimits[0].pageSize")]
    [InlineData("linux.resources.hugepageLimits", "[{\"pageSize\":\"../2MB\"}]", "linux.resources.hugepageLimits[0].pageSize")]
    [InlineData("linux.resources.unified", "{\"cgroup.procs\":\"1\"}", "linux.resources.unified['cgroup.procs']")]
    [InlineData("linux.resources.unified", "{\"../memory.max\":\"1\"}", "linux.resources.unified['../memory.max']")]
    [InlineData("linux.memoryPolicy", "{\"mode\":\"MPOL_ELSEWHERE\"}", "linux.memoryPolicy.mode")]
    [InlineData("linux.netDevices", "{\"a b\":{}}", "linux.netDevices['a b']")]
    [InlineData("linux.netDevices", "{\"a\":{\"name\":\"c\"},\"b\":{\"name\":\"c\"}}", "linux.netDevices.b")]
    [InlineData("linux.memoryPolicy", "{\"mode\":\"MPOL_BIND\"}", "linux.memoryPolicy.nodes")]
    [InlineData("linux.memoryPolicy", "{\"mode\":\"MPOL_BIND\",\"nodes\":\"0-4000\"}", "linux.memoryPolicy.nodes")]
    [InlineData("linux.memoryPolicy", "{\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0\"}", "linux.memoryPolicy.nodes")]
    [InlineData("linux.memoryPolicy", "{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_X\"]}",
        "linux.memoryPolicy.flags[0]")]
    [InlineData("hooks", "{\"poststop\":[{\"path\":\"x\"}]}", "hooks.poststop[0].path")]
    [InlineData("hooks", "{\"poststop\":[{\"path\":\"/x\",\"timeout\":0}]}", "hooks.poststop[0].timeout")]
    public void An_invalid_value_is_refused_by_field(string place, string json, string? field)
    {
        var document = Fixture.Changed(spec => Put(spec, place, json));
        Assert.Equal(field ?? place, Assert.Throws<InvalidSpecException>(() => Fixture.ReadAndValidate(document)).Field);
    }

    [Theory]
    [InlineData("uts", "hostname", "\"h\"", "hostname")]
    [InlineData("uts", "linux.sysctl", "{\"kernel.domainname\":\"d\"}", "linux.sysctl['kernel.domainname']")]
    [InlineData("ipc", "linux.sysctl", "{\"kernel.shmmax\":\"1\"}", "linux.sysctl['kernel.shmmax']")]
    [InlineData("ipc", "linux.sysctl", "{\"fs.mqueue.msg_max\":\"1\"}", "linux.sysctl['fs.mqueue.msg_max']")]
    [InlineData("network", "linux.sysctl", "{\"net/core/somaxconn\":\"1\"}", "linux.sysctl['net/core/somaxconn']")]
    public void A_setting_of_a_namespace_requires_the_namespace(string kind, string place, string json, string field)
    {
        Fixture.ReadAndValidate(Fixture.Changed(spec => Put(spec, place, json)));
        var document = Fixture.Changed(spec =>
        {
            Put(spec, place, json);
            var namespaces = spec["linux"]!["namespaces"]!.AsArray();
            namespaces.Remove(namespaces.Single(n => (string?)n!["type"] == kind));
        });
        Assert.Equal(field, Assert.Throws<InvalidSpecException>(() => Fixture.ReadAndValidate(document)).Field);
    }

    [Fact]
    public void An_unknown_capability_is_dropped_with_a_warning()
    {
        var spec = SpecReader.Read(Fixture.Changed(s => Put(s, "process.capabilities.bounding", "[\"CAP_KILL\",\"CAP_FLY\"]")));
        Assert.Equal(["process.capabilities.bounding[1]"], SpecValidator.Ignored(spec).Select(u => u.Field));
        Assert.Equal(1UL << 5, Capability.Mask(spec.Process!.Capabilities!.Bounding));
        // permitted, not inheritable
        spec = SpecReader.Read(Fixture.Changed(s => Put(s, "process.capabilities.ambient", "[\"CAP_KILL\"]")));
        Assert.Equal(["process.capabilities.ambient[0]"], SpecValidator.Ignored(spec).Select(u => u.Field));
    }

    [Theory]
    [InlineData("linux.intelRdt", "{\"closID\":\"x\"}", "linux.intelRdt")]
    [InlineData("vm", "{\"kernel\":{\"path\":\"/vmlinuz\"}}", "vm")]
    public void Valid_but_unsupported_fields_are_listed(string place, string json, string field)
    {
        var spec = SpecReader.Read(Fixture.Changed(s => Put(s, place, json)));
        SpecValidator.Validate(spec);
        Assert.Equal([field], SpecValidator.Unsupported(spec).Select(u => u.Field));
    }

    [Theory]
    [InlineData("linux.resources.memory", "{\"kernel\":1048576}", "linux.resources.memory.kernel")]
    [InlineData("mounts", "[{\"destination\":\"/x\",\"source\":\"/y\",\"options\":[\"bind\",\"mode=0700\",\"size=1k\"]}]",
        "mounts[0].options")]
    [InlineData("mounts", "[{\"destination\":\"/x\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"nsdelegate\"]}]",
        "mounts[0].options")]
    [InlineData("mounts", "[{\"destination\":\"/x\",\"options\":[\"remount\",\"ro\",\"size=1k\"]}]", "mounts[0].options")]
    public void Harmless_fields_without_effect_are_warnings(string place, string json, string field)
    {
        var spec = SpecReader.Read(Fixture.Changed(s => Put(s, place, json)));
        SpecValidator.Validate(spec);
        Assert.Contains(field, SpecValidator.Ignored(spec).Select(u => u.Field));
    }

    [Fact]
    public void Without_a_mount_namespace_fields_that_need_one_are_refused_and_mounts_are_ignored_with_a_warning()
    {
        var spec = SpecReader.Read(Fixture.Changed(_ => { }));
        spec = spec with
        {
            Root = new RootSpec { Path = "/" },
            Linux = spec.Linux! with {
                Namespaces = [.. spec.Linux.Namespaces.Where(n => n.Type is not NamespaceKind.Mount)], MaskedPaths = [],
                ReadonlyPaths = [], Devices = [], RootfsPropagation = null },
        };
        SpecValidator.Validate(spec);
        Assert.Contains("mounts", SpecValidator.Ignored(spec).Select(u => u.Field));
        Refused("root.readonly", spec with { Root = spec.Root! with { Readonly = true } });
        Refused("linux.devices",
            spec with { Linux = spec.Linux! with { Devices = [new DeviceSpec { Type = "p", Path = "/dev/x" }] } });
        Refused("linux.rootfsPropagation", spec with { Linux = spec.Linux! with { RootfsPropagation = "rslave" } });
        // A joined one has a root that all of its processes share.
        var joined = spec with {
            Linux = spec.Linux! with {
            Namespaces = [.. spec.Linux.Namespaces,
            new NamespaceSpec { Type = NamespaceKind.Mount, Path = "/proc/1/ns/mnt" }] } };
        SpecValidator.Validate(joined with { Root = new RootSpec { Path = "rootfs", Readonly = true } });
        Refused("root.readonly", joined with { Root = joined.Root! with { Readonly = true } });
        Refused("linux.rootfsPropagation", joined with { Linux = joined.Linux! with { RootfsPropagation = "rslave" } });

        static void Refused(string field, Spec spec) =>
            Assert.Equal(field, Assert.Throws<InvalidSpecException>(() => SpecValidator.Validate(spec)).Field);
    }

    [Theory]
    [InlineData("net.ipv4.conf.all.rp_filter", "net/ipv4/conf/all/rp_filter")]
    [InlineData("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter")]
    [InlineData("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter")]
    [InlineData("kernel", "kernel")]
    [InlineData("", null)]
    [InlineData(".", null)]
    [InlineData("net..x", null)]
    [InlineData("net/./x", null)]
    [InlineData("net.//.x", null)]
    [InlineData("/net/x", null)]
    [InlineData("net x", null)]
    public void A_sysctl_name_is_converted_to_a_path(string name, string? path) => Assert.Equal(path, SysctlRules.TryPath(name));

    internal static void Put(JsonObject document, string place, string json)
    {
        JsonNode node = document;
        var steps = place.Replace("[", ".[", StringComparison.Ordinal).Split('.');
        foreach (var step in steps[..^1]) node = Step(node, step) ?? throw new InvalidOperationException($"no {step} in {place}");
        var last = steps[^1];
        if (last[0] == '[') node.AsArray()[int.Parse(last[1..^1])] = JsonNode.Parse(json);
        else if (json == "-") Assert.True(node.AsObject().Remove(last));
        else node[last] = JsonNode.Parse(json);
    }

    private static JsonNode? Step(JsonNode node, string step) => step[0] == '[' ? node[int.Parse(step[1..^1])] : node[step];
}
