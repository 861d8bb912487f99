using System.Text.Json.Nodes;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Kernel.Oci;

namespace Supervisor.Tests.Services;

/// <summary>A spec that is wrong: refused over gRPC by the path of what is wrong, and nothing is left of the attempt.</summary>
public sealed class TaskRefusalTests(Daemon daemon) : IClassFixture<Daemon>
{
    private static int _last;
    private readonly string _namespace = $"refusal{Environment.ProcessId}x{Interlocked.Increment(ref _last)}";

    public static TheoryData<string, string> Mutations => new()
    {
        { """{"linux":{"namespaces":[{"type":"mount"},{"type":"flavour"}]}}""", "linux.namespaces[1].type" },
        { """{"process":{"cwd":"/","args":[]}}""", "process.args" },
        { """{"process":{"args":["true"],"cwd":"relative"}}""", "process.cwd" },
        { """{"process":{"args":["true"],"cwd":"/","user":{"uid":4294967296}}}""", "process.user.uid" },
        { """{"root":{"path":"/no/such/rootfs"}}""", "root.path" },
        { """{"linux":{"cgroupsPath":"/a/../../b","namespaces":[{"type":"mount"}]}}""", "linux.cgroupsPath" },
        { """{"linux":{"sysctl":{"kernel.core_pattern":"|/x"},"namespaces":[{"type":"mount"}]}}""", "linux.sysctl" },
        { """{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_SHRUG"},"namespaces":[{"type":"mount"}]}}""", "linux.seccomp.defaultAction" },
        { """{"mounts":[{"destination":"/x","type":"bind","source":"/no/such/source","options":["bind"]}]}""", "mounts[0].source" },
        { "not json at all", "$" },
    };

    [Theory]
    [MemberData(nameof(Mutations))]
    public async Task A_wrong_spec_is_refused_by_field_and_leaves_nothing(string change, string field)
    {
        await CreateContainer("bad", Spec(change));
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
            await daemon.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "bad" }, Daemon.In(_namespace)));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.Contains(field, e.Status.Detail, StringComparison.Ordinal);
        await NothingIsLeft("bad");
    }

    [Fact]
    public async Task A_program_that_is_not_there_fails_the_create_in_dockers_words_and_leaves_nothing()
    {
        await CreateContainer("noexec", Spec("""{"process":{"args":["/no/such/program"],"cwd":"/"}}"""));
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
            await daemon.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "noexec", Rootfs = { HostRoot } }, Daemon.In(_namespace)));
        Assert.Contains("exec: \"/no/such/program\": stat /no/such/program: no such file or directory", e.Status.Detail, StringComparison.Ordinal);
        await NothingIsLeft("noexec");
    }

    [Fact]
    public async Task A_cause_that_quotes_a_hundred_kilobytes_is_answered_at_once_and_cut()
    {
        var source = new string('s', 100_000);
        await CreateContainer("long", Spec($$"""{"mounts":[{"destination":"/x","type":"ext4","source":"/{{source}}"}]}"""));
        var create = daemon.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "long" }, Daemon.In(_namespace)).ResponseAsync;
        var e = await Assert.ThrowsAsync<RpcException>(() => create.WaitAsync(TimeSpan.FromSeconds(20))); // its deadline would be 60
        Assert.Contains("characters cut", e.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(e.Status.Detail.Length, 100, 2200);
        await NothingIsLeft("long");
    }

    private static Containerd.Types.Mount[] HostRoot =>
    [
        new() { Type = "tmpfs", Source = "tmpfs" },
        new() { Type = "overlay", Source = "overlay", Options = { "ro", "lowerdir=/:rootfs" } },
    ];

    private async Task NothingIsLeft(string id)
    {
        var task = await Assert.ThrowsAsync<RpcException>(async () => await daemon.Tasks.GetAsync(new GetRequest { ContainerId = id }, Daemon.In(_namespace)));
        Assert.Equal(StatusCode.NotFound, task.StatusCode);
        Assert.False(Directory.Exists($"{daemon.Options.State}/bundles/{_namespace}/{id}"), "the bundle is left");
        Assert.DoesNotContain(
            Directory.EnumerateDirectories("/sys/fs/cgroup", _namespace, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }),
            d => Directory.Exists(Path.Join(d, id)));
        await daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = id }, Daemon.In(_namespace));
    }

    private async Task CreateContainer(string id, byte[] spec) => await daemon.Containers.CreateAsync(new CreateContainerRequest
    {
        Container = new Container
        {
            Id = id,
            Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2" },
            Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec", Value = ByteString.CopyFrom(spec) },
        },
    }, Daemon.In(_namespace));

    /// <summary>A good spec with some members replaced.</summary>
    private static byte[] Spec(string change)
    {
        if (!change.StartsWith('{')) return System.Text.Encoding.UTF8.GetBytes(change);
        var spec = JsonNode.Parse(SpecWriter.Write(DefaultSpec.Create(["true"], "/", new DefaultSpecOptions { CgroupMount = false })))!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject()) spec[name] = value!.DeepClone();
        return System.Text.Encoding.UTF8.GetBytes(spec.ToJsonString());
    }
}
