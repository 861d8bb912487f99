using Containerd.Runc.V1;
using Containerd.Services.Containers.V1;
using Containerd.Services.Content.V1;
using Containerd.Services.Tasks.V1;
using Containerd.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Events;
using Supervisor.Tests.Storage;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

/// <summary>Answers of the checkpoint calls before any process is dumped or restored. criu is not needed.</summary>
public sealed class CheckpointServiceTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    private const string ImagesType = "application/vnd.containerd.container.criu.checkpoint.criu.tar";
    private static int _last;
    private readonly string _namespace = $"checkpoint{Environment.ProcessId}x{Interlocked.Increment(ref _last)}";

    private CallOptions Here => In(_namespace);

    private string Checkpoints => Path.Join(daemon.Options.Root, "checkpoints");

    [Fact]
    public async Task A_checkpoint_of_a_missing_task_is_not_found()
    {
        Assert.Equal(StatusCode.NotFound,
            (await StatusAsync(daemon.Tasks.CheckpointAsync(
            new CheckpointTaskRequest { ContainerId = "none" }, Here))).StatusCode);
        await CreateContainer();
        var status = await StatusAsync(daemon.Tasks.CheckpointAsync(new CheckpointTaskRequest { ContainerId = "c" }, Here));
        Assert.Equal((StatusCode.NotFound, "task c not found"), (status.StatusCode, status.Detail));
        Assert.Empty(Left());
    }

    [Fact]
    public async Task Wrong_options_are_refused_by_field()
    {
        await CreateContainer();
        await CreateFromAsync(await Content(new TarImage().File("core-1.img")));
        await Refused("options.image_path", new CheckpointOptions { ImagePath = "relative" });
        await Refused("options.work_path", new CheckpointOptions { WorkPath = "relative" });
        await Refused("options.parent_path", new CheckpointOptions { ParentPath = "../former" });
        await Refused("options.cgroups_mode", new CheckpointOptions { CgroupsMode = "gentle" });
        await Refused("options.empty_namespaces", new CheckpointOptions { EmptyNamespaces = { "flavour" } });
        var other = await StatusAsync(daemon.Tasks.CheckpointAsync(
            new CheckpointTaskRequest { ContainerId = "c", Options = Envelopes.Pack(new Containerd.Runc.V1.Options()) }, Here));
        Assert.Equal(StatusCode.InvalidArgument, other.StatusCode);
        var parent = await StatusAsync(
            daemon.Tasks.CheckpointAsync(new CheckpointTaskRequest { ContainerId = "c", ParentCheckpoint = "sha256:1" }, Here));
        Assert.StartsWith("parent_checkpoint", parent.Detail, StringComparison.Ordinal);
        // A correct one, of a task without processes.
        var early = await StatusAsync(daemon.Tasks.CheckpointAsync(new CheckpointTaskRequest { ContainerId = "c" }, Here));
        Assert.Equal((StatusCode.FailedPrecondition, "cannot checkpoint a created container"), (early.StatusCode, early.Detail));
        Assert.Single(Left()); // the create's; the refused checkpoint's is removed
        await DeleteAsync();
    }

    [Fact]
    public async Task A_task_created_from_a_checkpoint_has_no_process_and_leaves_nothing_when_deleted()
    {
        await CreateContainer();
        var created = await CreateFromAsync(await Content(new TarImage().File("core-1.img", "core")));
        Assert.Equal(0u, created.Pid);
        var process = (await daemon.Tasks.GetAsync(new GetRequest { ContainerId = "c" }, Here)).Process;
        Assert.Equal((Containerd.V1.Types.Status.Created, 0u), (process.Status, process.Pid));
        var directory = Assert.Single(Left());
        Assert.Equal("core", File.ReadAllText(Path.Join(directory, "images", "core-1.img")));
        Assert.Equal(StatusCode.AlreadyExists, (await StatusAsync(
            daemon.Tasks.CreateAsync(
                new CreateTaskRequest {
                ContainerId = "c", Checkpoint = await Content(new TarImage().File("core-1.img", "core")) }, Here))).StatusCode);
        Assert.Equal([directory], Left()); // the second one's is removed
        var kill = await StatusAsync(daemon.Tasks.KillAsync(new KillRequest { ContainerId = "c", Signal = 9 }, Here));
        Assert.Equal(StatusCode.FailedPrecondition, kill.StatusCode); // clients that delete by force ignore it
        var wait = daemon.Tasks.WaitAsync(new WaitRequest { ContainerId = "c" }, Here);
        Assert.Equal(137u, (await DeleteAsync()).ExitStatus);
        Assert.Equal(137u, (await wait).ExitStatus);
        Assert.Empty(Left());
    }

    [Fact]
    public async Task A_pending_restore_survives_a_restart_and_a_failing_start_says_why()
    {
        await CreateContainer();
        await CreateFromAsync(await Content(new TarImage().File("core-1.img", "no image of criu's")));
        Directory.CreateDirectory(Path.Join(Checkpoints, "left-by-a-crash"));
        await daemon.RestartAsync();
        Assert.Single(Left());
        var start = await StatusAsync(daemon.Tasks.StartAsync(new StartRequest { ContainerId = "c" }, Here));
        Assert.Equal(StatusCode.Unknown, start.StatusCode);
        Assert.Contains("criu", start.Detail, StringComparison.Ordinal);
        Assert.Equal(Containerd.V1.Types.Status.Created,
            (await daemon.Tasks.GetAsync(new GetRequest { ContainerId = "c" }, Here)).Process.Status);
        await DeleteAsync();
        Assert.Empty(Left());
    }

    [Fact]
    public async Task An_invalid_checkpoint_is_refused_and_leaves_nothing()
    {
        await CreateContainer();
        await NotCreated(StatusCode.InvalidArgument, await Content(new TarImage().Symlink("pages-1.img", "/etc/shadow")));
        await NotCreated(StatusCode.InvalidArgument,
            new ContentDescriptor(await Content(new TarImage().File("core-1.img"))) { MediaType = "text/plain" });
        await NotCreated(StatusCode.InvalidArgument, new ContentDescriptor { Digest = "bogus", MediaType = ImagesType });
        await NotCreated(StatusCode.NotFound,
            new ContentDescriptor { Digest = "sha256:" + new string('1', 64), MediaType = ImagesType });
        var missing = await StatusAsync(daemon.Tasks.CreateAsync(new CreateTaskRequest
        {
            ContainerId = "c", Options = Envelopes.Pack(new Containerd.Runc.V1.Options { CriuImagePath = "/no/such/images" }),
        }, Here));
        Assert.Equal((StatusCode.InvalidArgument, "options.criu_image_path: \"/no/such/images\" is not a directory"),
            (missing.StatusCode, missing.Detail));
        Assert.Empty(Left());
    }

    private string[] Left() => Directory.Exists(Checkpoints) ? Directory.GetDirectories(Checkpoints) : [];

    private async Task Refused(string field, CheckpointOptions options)
    {
        var status = await StatusAsync(
            daemon.Tasks.CheckpointAsync(
            new CheckpointTaskRequest { ContainerId = "c", Options = Envelopes.Pack(options) }, Here));
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.StartsWith(field, status.Detail, StringComparison.Ordinal);
    }

    private async Task NotCreated(StatusCode code, ContentDescriptor checkpoint) => Assert.Equal(
        code, (await StatusAsync(
            daemon.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "c", Checkpoint = checkpoint }, Here))).StatusCode);

    private async Task<CreateTaskResponse> CreateFromAsync(ContentDescriptor checkpoint) =>
        await daemon.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "c", Checkpoint = checkpoint }, Here);

    private async Task<DeleteResponse> DeleteAsync() =>
        await daemon.Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = "c" }, Here);

    private async Task CreateContainer() => await daemon.Containers.CreateAsync(new CreateContainerRequest
    {
        Container = new Container
        {
            Id = "c",
            Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2" },
            Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec",
                Value = ByteString.CopyFromUtf8(Spec) },
        },
    }, Here);

    private const string Spec =
        """{"ociVersion":"1.0.2","root":{"path":"/"},"process":{"args":["true"],"cwd":"/"},"linux":{"namespaces":[{"type":"mount"},{"type":"pid"}]}}""";

    private async Task<ContentDescriptor> Content(TarImage image)
    {
        var bytes = image.Bytes();
        using var write = new Content.ContentClient(daemon.Channel).Write(Here);
        await write.RequestStream.WriteAsync(new WriteContentRequest
        {
            Action = WriteAction.Commit, Ref = $"r{Interlocked.Increment(ref _last)}", Total = bytes.Length,
            Data = ByteString.CopyFrom(bytes),
        });
        await write.RequestStream.CompleteAsync();
        try
        {
            while (await write.ResponseStream.MoveNext(CancellationToken.None)) { }
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.AlreadyExists)
        {
        }
        var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        return new ContentDescriptor { MediaType = ImagesType, Digest = $"sha256:{digest}", Size = bytes.Length };
    }
}
