using System.Text;
using System.Text.Json.Nodes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

public sealed class SpecReaderTests
{
    [Fact]
    public void The_spec_of_ctr_is_read_in_full()
    {
        var spec = SpecReader.Read(Fixture.Bytes("ctr.json"));
        SpecValidator.Validate(spec);
        Assert.Empty(SpecValidator.Unsupported(spec));
        Assert.Equal(["/bin/sh", "-c", "echo hello"], spec.Process!.Args);
        Assert.Equal(14, spec.Process.Capabilities!.Effective.Count);
        Assert.Equal(1024UL, spec.Process.Rlimits[0].Soft);
        Assert.True(spec.Process.NoNewPrivileges);
        Assert.Equal([0u, 1, 2, 3, 4, 6, 10, 11, 20, 26, 27], spec.Process.User.AdditionalGids);
        Assert.Equal(7, spec.Mounts.Count);
        Assert.Equal("/default/r1", spec.Linux!.CgroupsPath);
        Assert.Equal(1024UL, spec.Linux.Resources!.Cpu!.Shares);
        Assert.Equal(["pid", "ipc", "uts", "mount", "cgroup", "network"], spec.Linux.Namespaces.Select(n => n.Type));
        Assert.Empty(spec.Linux.Resources.Unified);
    }

    [Fact]
    public void The_spec_of_dockerd_is_read_and_unsupported_fields_are_listed()
    {
        var spec = SpecReader.Read(Fixture.Bytes("dockerd.json"));
        SpecValidator.Validate(spec);
        Assert.Empty(SpecValidator.Unsupported(spec));
        Assert.Equal(80u, spec.Process!.ConsoleSize!.Width);
        Assert.Equal(536870912, spec.Linux!.Resources!.Memory!.Swap);
        Assert.False(spec.Linux.Resources.Memory.DisableOomKiller);
        Assert.Equal(1048576UL, spec.Linux.Resources.BlockIO!.ThrottleReadBpsDevice[0].Rate);
        Assert.Equal("0 2147483647", spec.Linux.Sysctl["net.ipv4.ping_group_range"]);
        Assert.Equal("SCMP_ACT_ERRNO", spec.Linux.Seccomp!.DefaultAction);
        Assert.Equal("libnetwork-setkey", spec.Hooks!.Prestart[0].Args[0]);
    }

    [Theory]
    [InlineData("ctr.json")]
    [InlineData("dockerd.json")]
    public void Writing_preserves_everything_that_was_read(string name)
    {
        var original = JsonNode.Parse(Fixture.Bytes(name))!;
        var written = SpecWriter.Write(SpecReader.Read(Fixture.Bytes(name)));
        var again = SpecWriter.Write(SpecReader.Read(written));
        Assert.Equal(Encoding.UTF8.GetString(written), Encoding.UTF8.GetString(again));
        Contains("$", original, JsonNode.Parse(written));
    }

    [Fact]
    public void The_default_spec_survives_a_round_trip()
    {
        var spec = DefaultSpec.Create(["/bin/true", "żółć", ""], "rootfs");
        var again = SpecReader.Read(SpecWriter.Write(spec));
        SpecValidator.Validate(again);
        Assert.Equal(spec.Process!.Args, again.Process!.Args);
        Assert.Equal(SpecWriter.Write(spec), SpecWriter.Write(again));
    }

    [Fact]
    public void Unknown_properties_are_ignored() =>
        Fixture.ReadAndValidate(Fixture.Changed(s => s["vm"] = JsonNode.Parse("""{"hypervisor":{"path":[1,{"x":true}]}}""")));

    [Fact]
    public void Null_lists_and_objects_are_read_as_empty()
    {
        var spec = SpecReader.Read(
            """{"ociVersion":"1.0.0","process":{"args":null,"user":null},"mounts":null,"annotations":null,"linux":{"sysctl":null}}"""u8);
        Assert.Empty(spec.Process!.Args);
        Assert.Equal(0u, spec.Process.User.Uid);
        Assert.Empty(spec.Mounts);
        Assert.Empty(spec.Annotations);
        Assert.Empty(spec.Linux!.Sysctl);
        Assert.Empty(spec.Linux.Devices);
        Assert.Equal("", spec.Process.Cwd);
    }

    [Theory]
    [InlineData("", "$")]
    [InlineData("null", "$")]
    [InlineData("[]", "$")]
    [InlineData("\"x\"", "$")]
    [InlineData("{\"process\":{\"args\":[\"a\",]}}", "process.args[0]")]
    [InlineData("{\"process\":{\"args\":[\"a\"", "process.args[0]")]
    [InlineData("{} {}", "$")]
    [InlineData("{\"process\":{\"args\":[\"a\",7]}}", "process.args[1]")]
    [InlineData("{\"process\":{\"args\":[\"a\",null]}}", "process.args[1]")]
    [InlineData("{\"process\":{\"args\":\"sh\"}}", "process.args")]
    [InlineData("{\"process\":{\"cwd\":1}}", "process.cwd")]
    [InlineData("{\"process\":{\"terminal\":\"yes\"}}", "process.terminal")]
    [InlineData("{\"process\":{\"user\":{\"uid\":4294967296}}}", "process.user.uid")]
    [InlineData("{\"process\":{\"user\":{\"uid\":4294967295}}}", "process.user.uid")]
    [InlineData("{\"process\":{\"user\":{\"uid\":-1}}}", "process.user.uid")]
    [InlineData("{\"process\":{\"user\":{\"uid\":1.5}}}", "process.user.uid")]
    [InlineData("{\"process\":{\"user\":{\"uid\":1e3}}}", "process.user.uid")]
    [InlineData("{\"process\":{\"user\":{\"uid\":\"0\"}}}", "process.user.uid")]
    [InlineData("{\"process\":{\"user\":{\"uid\":null}}}", "process.user.uid")]
    [InlineData("{\"process\":{\"user\":{\"gid\":18446744073709551616}}}", "process.user.gid")]
    [InlineData("{\"process\":{\"user\":{\"additionalGids\":[1,4294967295]}}}", "process.user.additionalGids[1]")]
    [InlineData("{\"process\":{\"capabilities\":[\"CAP_KILL\"]}}", "process.capabilities")]
    [InlineData("{\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":-1}]}}", "process.rlimits[0].soft")]
    [InlineData("{\"linux\":{\"namespaces\":[{},{},{\"type\":3}]}}", "linux.namespaces[2].type")]
    [InlineData("{\"linux\":{\"namespaces\":{}}}", "linux.namespaces")]
    [InlineData("{\"linux\":{\"sysctl\":{\"net.core.somaxconn\":256}}}", "linux.sysctl['net.core.somaxconn']")]
    [InlineData("{\"linux\":{\"sysctl\":{\"net.core.somaxconn\":null}}}", "linux.sysctl['net.core.somaxconn']")]
    [InlineData("{\"linux\":{\"resources\":{\"memory\":{\"limit\":9223372036854775808}}}}", "linux.resources.memory.limit")]
    [InlineData("{\"linux\":{\"resources\":{\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"rate\":-1}]}}}}",
        "linux.resources.blockIO.throttleWriteIOPSDevice[0].rate")]
    [InlineData("{\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}]}}", "linux.uidMappings[0].size")]
    [InlineData("{\"linux\":{\"gidMappings\":[{\"containerID\":0,\"hostID\":4294967290,\"size\":10}]}}",
        "linux.gidMappings[0].hostID")]
    [InlineData("{\"linux\":{\"devices\":[{\"uid\":4294967295}]}}", "linux.devices[0].uid")]
    [InlineData("{\"process\":{\"cwd\":\"/\",\"cwd\":\"/tmp\"}}", "process.cwd")]
    [InlineData("{\"ociVersion\":\"1.0.0\",\"ociVersion\":\"1.0.0\"}", "ociVersion")]
    [InlineData("{\"annotations\":{\"a b\":\"1\",\"a b\":\"2\"}}", "annotations['a b']")]
    [InlineData("{\"linux\":{\"seccomp\":{\"x\":1,\"x\":2}}}", "linux.seccomp.x")]
    [InlineData("{\"hostname\":\"\\ud800\"}", "hostname")]
    [InlineData("{\"\\udc00\":1}", "$")]
    public void An_invalid_document_is_refused_with_the_path_of_the_error(string json, string field)
    {
        var e = Assert.Throws<InvalidSpecException>(() => SpecReader.Read(Encoding.UTF8.GetBytes(json)));
        Assert.Equal(field, e.Field);
        Assert.DoesNotContain("Path:", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_document_over_a_mebibyte_is_refused()
    {
        var json = Encoding.UTF8.GetBytes($$"""{"hostname":"{{new string('a', 1 << 20)}}"}""");
        Assert.Equal("$", Assert.Throws<InvalidSpecException>(() => SpecReader.Read(json)).Field);
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        var json = Encoding.UTF8.GetBytes("{\"x\":" + new string('[', 100_000) + new string(']', 100_000) + "}");
        Assert.StartsWith("x[0][0]", Assert.Throws<InvalidSpecException>(() => SpecReader.Read(json)).Field);
    }

    [Fact]
    public void An_error_quotes_only_a_short_part_of_the_document()
    {
        var name = new string('n', 100_000) + "\u001b[2J";
        var json = Encoding.UTF8.GetBytes(
            ("""{"linux":{"sysctl":{"NAME":1}}}""").Replace("NAME", name, StringComparison.Ordinal)
            .Replace("\u001b", "\\u001b", StringComparison.Ordinal));
        Assert.True(Assert.Throws<InvalidSpecException>(() => SpecReader.Read(json)).Message.Length < 1000);
    }

    [Fact]
    public void The_process_of_an_exec_is_read_from_its_own_document()
    {
        var process = SpecReader.ReadProcess("""{"args":["ps"],"cwd":"/","user":{"uid":5,"gid":0}}"""u8);
        SpecValidator.Validate(process);
        Assert.Equal(5u, process.User.Uid);
        Assert.Equal("user.gid",
            Assert.Throws<InvalidSpecException>(() => SpecReader.ReadProcess("""{"user":{"gid":4294967295}}"""u8)).Field);
        Assert.Equal("args",
            Assert.Throws<InvalidSpecException>(() => SpecValidator.Validate(SpecReader.ReadProcess("""{"cwd":"/"}"""u8))).Field);
    }

    [Fact]
    public void The_resources_of_an_update_are_read_from_their_own_document()
    {
        var resources = SpecReader.ReadResources("""{"memory":{"limit":1048576},"unified":{"memory.high":"max"}}"""u8);
        SpecValidator.Validate(resources);
        Assert.Equal(1048576, resources.Memory!.Limit);
        Assert.Equal("memory.limit", Assert.Throws<InvalidSpecException>(() =>
            SpecValidator.Validate(SpecReader.ReadResources("""{"memory":{"limit":-2}}"""u8))).Field);
    }

    // The copy contains everything of the original; nulls and empty values may be missing.
    private static void Contains(string place, JsonNode? original, JsonNode? copy)
    {
        switch (original)
        {
            case null or JsonArray { Count: 0 }: break;
            case JsonObject o:
                foreach (var (key, value) in o) Contains($"{place}.{key}", value, copy?[key]);
                break;
            case JsonArray a:
                Assert.Equal(a.Count, copy!.AsArray().Count);
                for (var i = 0; i < a.Count; i++) Contains($"{place}[{i}]", a[i], copy[i]);
                break;
            default: Assert.True(JsonNode.DeepEquals(original, copy), $"{place}: {original} became {copy}"); break;
        }
    }
}
