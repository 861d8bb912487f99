using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

public sealed class ContainersServiceTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    private static Container New(string id, Action<Container>? change = null)
    {
        var container = new Container
        {
            Id = id,
            Runtime = new Container.Types.Runtime {
                Name = "io.containerd.runc.v2", Options = new Any { TypeUrl = "containerd.runc.v1.Options" } },
            Spec = new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec",
                Value = ByteString.CopyFromUtf8("{ \"process\":{}}") },
            Labels = { ["k1"] = "v1", ["dotted.k2"] = "v2" },
            CreatedAt = new Timestamp { Seconds = -62135596800 },
            UpdatedAt = new Timestamp { Seconds = -62135596800 },
        };
        change?.Invoke(container);
        return container;
    }

    private async Task<Container> CreateAsync(string @namespace, Container container) =>
        (await daemon.Containers.CreateAsync(new CreateContainerRequest { Container = container }, In(@namespace))).Container;

    private Task<Status> RefusedAsync(string? @namespace, Container? container) =>
        StatusAsync(daemon.Containers.CreateAsync(new CreateContainerRequest { Container = container }, In(@namespace)));

    [Fact]
    public async Task Ids_are_free_as_soon_as_their_containers_are_deleted_also_under_load()
    {
        // Children stop while their parent writes events of others: eight at a time, each id reused many times.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            for (var life = 0; life < 40; life++)
            {
                await CreateAsync("busy", New($"c{i}"));
                await daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = $"c{i}" }, In("busy"));
            }
        }));
        Assert.Empty((await daemon.Containers.ListAsync(new ListContainersRequest(), In("busy"))).Containers);
    }

    [Fact]
    public async Task A_created_container_is_returned_with_the_daemons_times()
    {
        var before = DateTimeOffset.UtcNow;
        var sent = New("c1", c => c.Extensions.Add("x", new Any { TypeUrl = "t", Value = ByteString.CopyFrom(1, 2, 3) }));
        var created = await CreateAsync("get", sent);
        var got = (await daemon.Containers.GetAsync(new GetContainerRequest { Id = "c1" }, In("get"))).Container;
        Assert.Equal(created, got);
        Assert.Equal((sent.Spec, sent.Runtime, sent.Labels, sent.Extensions),
            (got.Spec, got.Runtime, got.Labels, got.Extensions));
        Assert.InRange(got.CreatedAt.ToDateTimeOffset(), before.AddSeconds(-1), DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.Equal(got.CreatedAt, got.UpdatedAt);
    }

    [Fact]
    public async Task A_duplicate_id_is_refused_but_not_in_another_namespace()
    {
        await CreateAsync("dup", New("c"));
        Assert.Equal(StatusCode.AlreadyExists, (await RefusedAsync("dup", New("c"))).StatusCode);
        await CreateAsync("dup2", New("c"));
    }

    [Fact]
    public async Task Two_concurrent_creates_make_one_container()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try { await CreateAsync("race", New("c")); return StatusCode.OK; }
            catch (RpcException e) { return e.StatusCode; }
        }));
        Assert.Equal(1, outcomes.Count(c => c is StatusCode.OK));
        Assert.Equal(7, outcomes.Count(c => c is StatusCode.AlreadyExists));
    }

    [Theory]
    [InlineData("", "container.id")]
    [InlineData("-c", "container.id")]
    [InlineData("a/b", "container.id")]
    [InlineData("..", "container.id")]
    [InlineData("c\n", "container.id")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "container.id")] // 77
    public async Task A_bad_id_is_refused_by_its_field(string id, string field)
    {
        var status = await RefusedAsync("bad", New(id));
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.StartsWith(field, status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_field_is_refused_by_name()
    {
        async Task Refuses(Container? container, string field)
        {
            var status = await RefusedAsync("bad", container);
            Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
            Assert.StartsWith(field, status.Detail, StringComparison.Ordinal);
        }
        await Refuses(null, "container");
        await Refuses(New("c", c => c.Runtime = null), "container.runtime.name");
        await Refuses(New("c", c => c.Spec = null), "container.spec");
        await Refuses(New("c", c => c.SnapshotKey = "k"), "container.snapshotter");
    }

    [Fact]
    public async Task Every_call_without_a_namespace_is_refused()
    {
        var status = await StatusAsync(daemon.Containers.ListAsync(new ListContainersRequest(), In(null)));
        Assert.Equal((StatusCode.FailedPrecondition, "namespace is required: failed precondition"),
            (status.StatusCode, status.Detail));
        Assert.Equal(StatusCode.FailedPrecondition, (await RefusedAsync(null, New("c"))).StatusCode);
        Assert.Equal(StatusCode.FailedPrecondition,
            (await StatusAsync(daemon.Tasks.GetAsync(new GetRequest { ContainerId = "c" }, In(null)))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, (await RefusedAsync("a/b", New("c"))).StatusCode);
    }

    [Fact]
    public async Task An_unknown_container_is_not_found_in_containerds_words()
    {
        var get = await StatusAsync(daemon.Containers.GetAsync(new GetContainerRequest { Id = "nope" }, In("un")));
        Assert.Equal((StatusCode.NotFound, "container \"nope\" in namespace \"un\": not found"), (get.StatusCode, get.Detail));
        var delete = await StatusAsync(daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = "nope" }, In("un")));
        Assert.Equal("cannot delete container \"nope\" in namespace \"un\": not found", delete.Detail);
        var update = await StatusAsync(
            daemon.Containers.UpdateAsync(new UpdateContainerRequest { Container = New("nope") }, In("un")));
        Assert.Equal("cannot update container \"nope\" in namespace \"un\": not found", update.Detail);
        var task = await StatusAsync(daemon.Tasks.StartAsync(new StartRequest { ContainerId = "nope" }, In("un")));
        Assert.Equal("container \"nope\" in namespace \"un\": not found", task.Detail);
    }

    [Theory]
    [InlineData("id==a", "a")]
    [InlineData("id!=a", "b")]
    [InlineData("labels.k1==v1", "a b")]
    [InlineData("labels.\"dotted.k2\"==v2", "a b")]
    [InlineData("labels.only", "b")]
    [InlineData("labels.nope", "")]
    [InlineData("id==a,labels.k1==zz", "")]
    [InlineData("id~=^[ab]$", "a b")]
    [InlineData("runtime.name==io.containerd.runc.v2", "a b")]
    [InlineData("id==a|id==b", "a b")]
    public async Task A_list_is_filtered_and_sorted(string filters, string expected)
    {
        foreach (var container in new[] { New("b", c => c.Labels["only"] = "x"), New("a") })
        {
            try { await CreateAsync("list", container); }
            catch (RpcException e) when (e.StatusCode is StatusCode.AlreadyExists) { }
        }
        var request = new ListContainersRequest { Filters = { filters.Split('|') } };
        var list = await daemon.Containers.ListAsync(request, In("list"));
        Assert.Equal(expected, string.Join(' ', list.Containers.Select(c => c.Id)));
        using var stream = daemon.Containers.ListStream(request, In("list"));
        var streamed = new List<Container>();
        await foreach (var message in stream.ResponseStream.ReadAllAsync()) streamed.Add(message.Container);
        Assert.Equal(list.Containers, streamed);
    }

    [Fact]
    public async Task A_bad_filter_is_refused()
    {
        var status = await StatusAsync(
            daemon.Containers.ListAsync(new ListContainersRequest { Filters = { "id=c" } }, In("list")));
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.StartsWith("filters: parse error: [id >|=|< c]", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_changes_what_its_mask_names()
    {
        var created = await CreateAsync("update", New("c"));
        var one = await UpdateAsync(new Container { Id = "c", Labels = { ["k3"] = "v3", ["k1"] = "ignored" } }, "labels.k3");
        Assert.Equal("dotted.k2=v2 k1=v1 k3=v3", Text(one));
        Assert.Equal((created.Spec, created.Runtime, created.CreatedAt), (one.Spec, one.Runtime, one.CreatedAt));
        Assert.True(one.UpdatedAt.ToDateTimeOffset() > created.UpdatedAt.ToDateTimeOffset());
        Assert.Equal("dotted.k2=v2 k3=v3",
            Text(await UpdateAsync(new Container { Id = "c", Labels = { ["k1"] = "" } }, "labels.k1")));
        Assert.Equal("x=y", Text(await UpdateAsync(new Container { Id = "c", Labels = { ["x"] = "y" } }, "labels")));
        var got = (await daemon.Containers.GetAsync(new GetContainerRequest { Id = "c" }, In("update"))).Container;
        Assert.Equal("x=y", Text(got));
        var refused = await StatusAsync(Update(new Container { Id = "c" }, "nonsense"));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("nonsense", refused.Detail, StringComparison.Ordinal);

        AsyncUnaryCall<UpdateContainerResponse> Update(Container container, string path) => daemon.Containers.UpdateAsync(
            new UpdateContainerRequest { Container = container, UpdateMask = new FieldMask { Paths = { path } } }, In("update"));
        async Task<Container> UpdateAsync(Container container, string path) => (await Update(container, path)).Container;
        static string Text(Container container) =>
            string.Join(' ', container.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
    }

    [Fact]
    public async Task An_id_can_be_reused_when_its_delete_is_answered()
    {
        for (var i = 0; i < 20; i++)
        {
            await CreateAsync("again", New("c"));
            await daemon.Containers.DeleteAsync(new DeleteContainerRequest { Id = "c" }, In("again"));
        }
        Assert.Empty((await daemon.Containers.ListAsync(new ListContainersRequest(), In("again"))).Containers);
    }

    [Fact]
    public async Task A_container_without_a_task_has_none()
    {
        await CreateAsync("notask", New("c"));
        var get = await StatusAsync(daemon.Tasks.GetAsync(new GetRequest { ContainerId = "c" }, In("notask")));
        Assert.Equal((StatusCode.NotFound, "task c not found"), (get.StatusCode, get.Detail));
        foreach (var status in new[]
        {
            await StatusAsync(daemon.Tasks.StartAsync(new StartRequest { ContainerId = "c" }, In("notask"))),
            await StatusAsync(daemon.Tasks.KillAsync(new KillRequest { ContainerId = "c", Signal = 15 }, In("notask"))),
            await StatusAsync(daemon.Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = "c" }, In("notask"))),
            await StatusAsync(daemon.Tasks.WaitAsync(new WaitRequest { ContainerId = "c" }, In("notask"))),
            await StatusAsync(daemon.Tasks.PauseAsync(new PauseTaskRequest { ContainerId = "c" }, In("notask"))),
            await StatusAsync(daemon.Tasks.ResumeAsync(new ResumeTaskRequest { ContainerId = "c" }, In("notask"))),
            await StatusAsync(daemon.Inspection.InspectAsync(new Supervisor.V1.InspectRequest { Id = "c" }, In("notask"))),
        })
        {
            Assert.Equal((StatusCode.NotFound, "task c not found"), (status.StatusCode, status.Detail));
        }
        Assert.Empty((await daemon.Tasks.ListAsync(new ListTasksRequest(), In("notask"))).Tasks);
        var signal = await StatusAsync(daemon.Tasks.KillAsync(new KillRequest { ContainerId = "c", Signal = 65 }, In("notask")));
        Assert.Equal(StatusCode.InvalidArgument, signal.StatusCode);
        Assert.StartsWith("signal", signal.Detail, StringComparison.Ordinal);
    }
}
