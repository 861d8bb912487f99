using Containerd.Services.Introspection.V1;
using Containerd.Services.Namespaces.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Health.V1;
using Supervisor.Host.Hosting;
using Supervisor.Host.Services;
using static Supervisor.Tests.Host.TestDaemon;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Supervisor.Tests.Host.Services;

public sealed class SmallServicesTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task The_daemon_and_each_of_its_services_are_healthy()
    {
        foreach (var service in new[] { "", "containerd.services.tasks.v1.Tasks", "supervisor.v1.Tasks" })
        {
            var answer = await daemon.Health.CheckAsync(new HealthCheckRequest { Service = service }, In(null));
            Assert.Equal(ServingStatus.Serving, answer.Status);
        }
        var unknown = await StatusAsync(daemon.Health.CheckAsync(new HealthCheckRequest { Service = "no.such" }, In(null)));
        Assert.Equal(StatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public void Described_services_and_callable_services_are_the_same() =>
        Assert.Equal(ServiceNames.Served.Order(), ServiceEndpoints.Names.Order());

    [Fact]
    public async Task The_first_calls_of_a_daemon_are_refused_before_anything_happens()
    {
        var bytes = Marshallers.Create<byte[]>(b => b, b => b);
        foreach (var path in FirstCalls.Paths)
        {
            var at = path.LastIndexOf('/');
            var method = new Method<byte[], byte[]>(MethodType.Unary, path[1..at], path[(at + 1)..], bytes, bytes);
            var call = daemon.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, In("first"), []);
            Assert.Equal(StatusCode.InvalidArgument, (await StatusAsync(call)).StatusCode);
            call = daemon.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, In(null), []);
            Assert.Equal(StatusCode.FailedPrecondition, (await StatusAsync(call)).StatusCode);
        }
        Assert.DoesNotContain(
            "first", (await daemon.Namespaces.ListAsync(new ListNamespacesRequest(), In(null))).Namespaces.Select(n => n.Name));
    }

    [Theory]
    [InlineData("containerd.services.tasks.v1.Tasks", "NoSuch")]
    [InlineData("no.such.Service", "List")]
    public async Task Unknown_services_and_methods_are_unimplemented(string service, string method)
    {
        var bytes = Marshallers.Create<byte[]>(b => b, b => b);
        var call = daemon.Channel.CreateCallInvoker()
            .AsyncUnaryCall(new Method<byte[], byte[]>(MethodType.Unary, service, method, bytes, bytes), null, In(null), []);
        Assert.Equal(StatusCode.Unimplemented, (await StatusAsync(call)).StatusCode);
    }

    [Fact]
    public async Task A_watch_starts_with_the_current_status()
    {
        using var watch = daemon.Health.Watch(new HealthCheckRequest(), In(null));
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(ServingStatus.Serving, watch.ResponseStream.Current.Status);
    }

    [Fact]
    public async Task The_version_is_not_empty()
    {
        var version = await daemon.Version.VersionAsync(new Empty(), In(null));
        Assert.Matches(@"^\d+\.\d+\.\d+", version.Version);
        Assert.NotEqual("", version.Revision);
    }

    [Fact]
    public async Task The_listed_plugins_are_the_existing_ones()
    {
        async Task<string> ListAsync(params string[] filters)
        {
            var answer = await daemon.Introspection.PluginsAsync(new PluginsRequest { Filters = { filters } }, In(null));
            return string.Join(' ', answer.Plugins.Select(p => $"{p.Type}/{p.Id}"));
        }
        Assert.Equal("io.containerd.runtime.v2/task", await ListAsync("type==io.containerd.runtime.v2, id==task"));
        Assert.Equal("io.containerd.snapshotter.v1/overlayfs",
            await ListAsync("type==io.containerd.snapshotter.v1, id==overlayfs"));
        Assert.Contains("io.containerd.grpc.v1/tasks", await ListAsync(), StringComparison.Ordinal);
        Assert.Equal(await ListAsync(), await ListAsync("platforms~=^linux/"));
        var bad = await StatusAsync(daemon.Introspection.PluginsAsync(new PluginsRequest { Filters = { "type=x" } }, In(null)));
        Assert.Equal(StatusCode.InvalidArgument, bad.StatusCode);
        Assert.StartsWith("filters: parse error: [type >|=|< x]: unsupported operator \"=\"", bad.Detail,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Our_own_clients_can_query_the_daemons_directories()
    {
        using var client = new Supervisor.Cli.Connection.DaemonClient(daemon.Options.Address, "default");
        Assert.Equal((daemon.Options.Root, daemon.Options.State), await client.DirectoriesAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_call_past_its_deadline_fails_with_deadline_exceeded()
    {
        using var watch = daemon.Health.Watch(new HealthCheckRequest(), new CallOptions(deadline: DateTime.UtcNow.AddSeconds(3)));
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        var ended = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.DeadlineExceeded, ended.StatusCode);
    }
}
