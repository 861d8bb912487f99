using System.Text.Json.Nodes;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Host.Services;

/// <summary>A wrong spec is refused over gRPC with the path of the wrong field, and nothing is left of the attempt.</summary>
public sealed class TaskRefusalTests(TestDaemon daemon) : IClassFixture<TestDaemon>
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
        { """{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_SHRUG"},"namespaces":[{"type":"mount"}]}}""",
            "linux.seccomp.defaultAction" },
        { """{"mounts":[{"destination":"/x","type":"bind","source":"/no/such/source","options":["bind"]}]}""",
            "mounts[0].source" },
        { "not json at all", "$" },
    };

    [Theory]
    [MemberData(nameof(Mutations))]
    public async Task A_wrong_spec_is_refused_by_field_and_leaves_nothing(string change, string field)
    {
        await CreateContainer("bad", Spec(change));
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
            await daemon.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "bad" }, TestDaemon.In(_namespace)));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.Contains(field, e.Status.Detail, StringComparison.Ordinal);
        await NothingIsLeft("bad");
    }

    [Theory]
    [InlineData("file:///tmp/x?max-size=oops", "max-size: \"oops\"")]
    [InlineData("file://x", "is not an absolute path")]
    [InlineData("pipe://x", "is not pipe:// and an absolute path")]
    [InlineData("pipe:///tmp/x?size=1", "pipe:// has only the option log")]
    [InlineData("pipe:///tmp/x?log=file%3A%2F%2F%2Ftmp%2Fx", "only a terminal's output is relayed")]
    public async Task An_invalid_log_target_is_refused_by_field(string target, string why)
    {
        await CreateContainer("target", Spec("{}"));
        var e = await Assert.ThrowsAsync<RpcException>(
            async () => await daemon.Tasks.CreateAsync(
            new CreateTaskRequest { ContainerId = "target", Stdout = target }, TestDaemon.In(_namespace)));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.StartsWith("stdout: ", e.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(why, e.Status.Detail, StringComparison.Ordinal);
        await NothingIsLeft("target");
    }

    [Theory]
    [InlineData("file://{root}/journal.db")]
    [InlineData("{root}/journal.db")]
    [InlineData("file://{root}/content/blobs/x?max-size=1MiB")]
    [InlineData("file://{root}/logs/../uuid")]
    [InlineData("file://{state}/fifo/x")]
    [InlineData("file://{state}/state.lock")]
    [InlineData("file://{link}/uuid")]
    [InlineData("pipe://{state}/fifo/x?log=file%3A%2F%2F{root}%2Fuuid")]
    [InlineData("file://{address}.lock")]
    public async Task Output_into_the_daemons_own_files_is_refused_by_field(string target)
    {
        var link = Path.Join(daemon.Base, $"link{Interlocked.Increment(ref _last)}");
        File.CreateSymbolicLink(link, daemon.Options.Root);
        target = target.Replace("{root}", daemon.Options.Root, StringComparison.Ordinal)
            .Replace("{state}", daemon.Options.State, StringComparison.Ordinal)
            .Replace("{link}", link, StringComparison.Ordinal)
                .Replace("{address}", daemon.Options.Address, StringComparison.Ordinal);
        await CreateContainer("own", Spec("{}"));
        foreach (var field in (string[])["stdout", "stderr"])
        {
            var request = new CreateTaskRequest {
                ContainerId = "own", Terminal = target.StartsWith("pipe:", StringComparison.Ordinal) };
            if (field is "stdout") request.Stdout = target;
            else request.Stderr = target;
            var e = await Assert.ThrowsAsync<RpcException>(
                async () => await daemon.Tasks.CreateAsync(request, TestDaemon.In(_namespace)));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.Contains($"{field}: ", e.Status.Detail, StringComparison.Ordinal);
            Assert.Contains("the daemon's own files", e.Status.Detail, StringComparison.Ordinal);
        }
        await NothingIsLeft("own");
    }

    public static TheoryData<string, Containerd.Runc.V1.Options> ForeignOptions => new()
    {
        { "no_pivot_root", new() { NoPivotRoot = true } },
        { "no_new_keyring", new() { NoNewKeyring = true } },
        { "shim_cgroup", new() { ShimCgroup = "/x" } },
        { "io_uid", new() { IoUid = 1000 } },
        { "binary_name", new() { BinaryName = "/usr/bin/crun" } },
        { "criu_path", new() { CriuPath = "/usr/bin/criu" } },
        { "systemd_cgroup", new() { SystemdCgroup = true } },
        { "task_api_address", new() { TaskApiAddress = "unix:///x" } },
    };

    [Theory]
    [MemberData(nameof(ForeignOptions))]
    public async Task An_unsupported_runtime_option_is_refused_by_field_and_leaves_nothing(
        string field, Containerd.Runc.V1.Options options)
    {
        var any = new Any { TypeUrl = "containerd.runc.v1.Options", Value = options.ToByteString() };
        foreach (var (inRecord, place) in new[] { (true, "container.runtime.options."), (false, "options.") })
        {
            await CreateContainer("opts", Spec("{}"), inRecord ? any : null);
            var e = await Assert.ThrowsAsync<RpcException>(async () =>
                await daemon.Tasks.CreateAsync(
                    new CreateTaskRequest { ContainerId = "opts", Rootfs = { HostRoot }, Options = inRecord ? null : any },
                    TestDaemon.In(_namespace)));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.Contains(place + field, e.Status.Detail, StringComparison.Ordinal);
            await NothingIsLeft("opts");
        }
    }

    [Fact]
    public async Task Options_of_another_runtime_or_shim_are_refused_and_dockerds_runc_options_are_accepted()
    {
        await CreateContainer("opts", Spec("{}"));
        async Task<string> Refusal(CreateTaskRequest request)
        {
            request.ContainerId = "opts";
            return (await Assert.ThrowsAsync<RpcException>(
                async () => await daemon.Tasks.CreateAsync(request, TestDaemon.In(_namespace)))).Status.Detail;
        }
        Assert.Contains("options",
            await Refusal(new() {
            Options = new Any { TypeUrl = "runtimeoptions.v1.Options", Value = ByteString.CopyFromUtf8("x") } }),
            StringComparison.Ordinal);
        Assert.Contains("runtime_path", await Refusal(new() { RuntimePath = "/opt/containerd-shim-kata-v2" }),
            StringComparison.Ordinal);
        Assert.Contains("task_api_address", await Refusal(new() { TaskApiAddress = "unix:///x" }), StringComparison.Ordinal);
        await NothingIsLeft("opts");
        var docker = new Containerd.Runc.V1.Options { BinaryName = "/usr/bin/runc", Root = "/var/run/docker/runtime-runc" };
        await CreateContainer(
            "dockers", Spec("{}"), new Any { TypeUrl = "containerd.runc.v1.Options", Value = docker.ToByteString() });
        await daemon.Tasks.CreateAsync(
            new CreateTaskRequest { ContainerId = "dockers", Rootfs = { HostRoot } }, TestDaemon.In(_namespace));
        await daemon.Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = "dockers" }, TestDaemon.In(_namespace));
        await NothingIsLeft("dockers");
    }

    [Fact]
    public async Task A_missing_program_fails_the_create_in_dockers_words_and_leaves_nothing()
    {
        await CreateContainer("noexec", Spec("""{"process":{"args":["/no/such/program"],"cwd":"/"}}"""));
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
            await daemon.Tasks.CreateAsync(
                new CreateTaskRequest { ContainerId = "noexec", Rootfs = { HostRoot } }, TestDaemon.In(_namespace)));
        Assert.Contains("exec: \"/no/such/program\": stat /no/such/program: no such file or directory", e.Status.Detail,
            StringComparison.Ordinal);
        await NothingIsLeft("noexec");
    }

    [Fact]
    public async Task An_error_with_a_hundred_kilobytes_of_detail_is_answered_at_once_and_truncated()
    {
        var source = new string('s', 100_000);
        await CreateContainer("long", Spec($$"""{"mounts":[{"destination":"/x","type":"ext4","source":"/{{source}}"}]}"""));
        var create = daemon.Tasks.CreateAsync(
            new CreateTaskRequest { ContainerId = "long" }, TestDaemon.In(_namespace)).ResponseAsync;
        // the deadline would be 60 seconds
        var e = await Assert.ThrowsAsync<RpcException>(() => create.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Contains("characters cut", e.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(e.Status.Detail.Length, 100, 2200);
        await NothingIsLeft("long");
    }

    [Theory]
    [InlineData("stdin")]
    [InlineData("stdout")]
    [InlineData("rootfs")]
    public async Task An_overlong_field_is_refused_by_name(string field)
    {
        await CreateContainer("vast", Spec("{}"));
        var vast = "/" + new string('v', 100_000);
        var request = new CreateTaskRequest { ContainerId = "vast" };
        if (field is "stdin") request.Stdin = vast;
        if (field is "stdout") request.Stdout = "file://" + vast;
        if (field is "rootfs") request.Rootfs.Add(new Containerd.Types.Mount { Type = "bind", Source = vast });
        var e = await Assert.ThrowsAsync<RpcException>(
            async () => await daemon.Tasks.CreateAsync(request, TestDaemon.In(_namespace)));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.StartsWith(field + ":", e.Status.Detail, StringComparison.Ordinal);
        await NothingIsLeft("vast");
    }

    private static Containerd.Types.Mount[] HostRoot =>
    [
        new() { Type = "tmpfs", Source = "tmpfs" },
        new() { Type = "overlay", Source = "overlay", Options = { "ro", "lowerdir=/:rootfs" } },
    ];

    private async Task NothingIsLeft(string id)
    {
        var task = await Assert.ThrowsAsync<RpcException>(
            async () => await daemon.Tasks.GetAsync(new GetRequest { ContainerId = id }, TestDaemon.In(_namespace)));
        Assert.Equal(StatusCode.NotFound, task.StatusCode);
        Assert.False(Directory.Exists($"{daemon.Options.State}/bundles/{_namespace}/{id}"), "the bundle was not removed");
        var all = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 };
        // The container's own at once, its parents when the shim has not used them for a while.
        Assert.Empty(Directory.EnumerateDirectories("/sys/fs/cgroup", id, all));
        await Eventually.IsTrue(() => !Directory.EnumerateDirectories("/sys/fs/cgroup", _namespace, all).Any());
        await daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = id }, TestDaemon.In(_namespace));
    }

    private async Task CreateContainer(string id, byte[] spec, Any? options = null) =>
        await daemon.Containers.CreateAsync(new CreateContainerRequest
    {
        Container = new Container
        {
            Id = id,
            Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2", Options = options },
            Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec",
                Value = ByteString.CopyFrom(spec) },
        },
    }, TestDaemon.In(_namespace));

    /// <summary>A good spec with some members replaced.</summary>
    private static byte[] Spec(string change)
    {
        if (!change.StartsWith('{')) return System.Text.Encoding.UTF8.GetBytes(change);
        var spec = JsonNode.Parse(
            SpecWriter.Write(DefaultSpec.Create(["true"], "/", new DefaultSpecOptions { CgroupMount = false })))!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject()) spec[name] = value!.DeepClone();
        return System.Text.Encoding.UTF8.GetBytes(spec.ToJsonString());
    }
}
