using Containerd.Events;
using Containerd.Services.Events.V1;
using Containerd.Services.Namespaces.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Host.Services;
using static Supervisor.Tests.Host.TestDaemon;
using Envelope = Containerd.Services.Events.V1.Envelope;

namespace Supervisor.Tests.Host.Services;

public sealed class EventsServiceTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    private static Any Exit(string container) => new()
    {
        TypeUrl = "containerd.events.TaskExit",
        Value = new TaskExit { ContainerId = container, Id = container }.ToByteString(),
    };

    /// <summary>Returns when the subscription is established, which the response's headers show.</summary>
    private async Task<AsyncServerStreamingCall<Envelope>> SubscribeAsync(params string[] filters)
    {
        var call = daemon.Events.Subscribe(new SubscribeRequest { Filters = { filters } }, In(null));
        await call.ResponseHeadersAsync.WaitAsync(Deadline);
        return call;
    }

    private AsyncUnaryCall<Empty> PublishAsync(string? @namespace, string topic, Any? body) =>
        daemon.Events.PublishAsync(new PublishRequest { Topic = topic, Event = body }, In(@namespace));

    private static async Task<List<Envelope>> TakeAsync(AsyncServerStreamingCall<Envelope> call, int count)
    {
        var taken = new List<Envelope>();
        while (taken.Count < count && await call.ResponseStream.MoveNext(CancellationToken.None))
            taken.Add(call.ResponseStream.Current);
        return taken;
    }

    [Fact]
    public async Task Events_of_every_namespace_reach_every_subscriber_in_order()
    {
        using var one = await SubscribeAsync("topic~=|^/order/|");
        using var two = await SubscribeAsync("topic~=|^/order/|");
        for (var i = 0; i < 100; i++) await PublishAsync(i % 2 == 0 ? "n1" : "n2", $"/order/t{i}", Exit("c"));
        foreach (var call in new[] { one, two })
        {
            var events = await TakeAsync(call, 100);
            Assert.Equal(Enumerable.Range(0, 100).Select(i => $"/order/t{i}"), events.Select(e => e.Topic));
            Assert.Equal(["n1", "n2"], events.Select(e => e.Namespace).Distinct());
            Assert.All(events, e => Assert.Equal(Exit("c"), e.Event));
        }
    }

    [Fact]
    public async Task A_filter_selects_events()
    {
        using var call = await SubscribeAsync("namespace==fa,topic~=|^/filtered/|", "event.container_id==special");
        await PublishAsync("fb", "/filtered/x", Exit("c"));
        await PublishAsync("fa", "/other/x", Exit("c"));
        await PublishAsync("fa", "/filtered/1", Exit("c"));
        await PublishAsync("fb", "/other/2", Exit("special"));
        Assert.Equal(["/filtered/1", "/other/2"], (await TakeAsync(call, 2)).Select(e => e.Topic));
    }

    [Fact]
    public async Task A_bad_filter_is_refused_in_containerds_words()
    {
        using var call = daemon.Events.Subscribe(new SubscribeRequest { Filters = { "topic==/x" } }, In(null));
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.Unknown, refused.StatusCode);
        Assert.StartsWith("subscription error: failed parsing subscription filters: filters: parse error: ",
            refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_forwarded_envelope_keeps_its_time_and_namespace()
    {
        using var call = await SubscribeAsync("topic==\"/forwarded/x\"");
        var sent = new Envelope {
            Timestamp = new Timestamp { Seconds = 5 }, Namespace = "elsewhere", Topic = "/forwarded/x", Event = Exit("c") };
        await daemon.Events.ForwardAsync(new ForwardRequest { Envelope = sent }, In("here"));
        Assert.Equal(sent, Assert.Single(await TakeAsync(call, 1)));
    }

    [Theory]
    [InlineData("tasks/exit")]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/a//b")]
    [InlineData("/a/../b")]
    [InlineData("/a b")]
    public async Task A_bad_topic_is_refused_by_its_field(string topic)
    {
        var status = await StatusAsync(PublishAsync("n", topic, Exit("c")));
        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.StartsWith("topic", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_incomplete_or_oversized_event_is_refused()
    {
        Assert.Equal(StatusCode.FailedPrecondition, (await StatusAsync(PublishAsync(null, "/a", Exit("c")))).StatusCode);
        Assert.StartsWith("event:", (await StatusAsync(PublishAsync("n", "/a", null))).Detail, StringComparison.Ordinal);
        var large = new Any { TypeUrl = "x", Value = ByteString.CopyFrom(new byte[EventsService.MaximumEventSize]) };
        Assert.StartsWith("event:", (await StatusAsync(PublishAsync("n", "/a", large))).Detail, StringComparison.Ordinal);
        var timeless = new Envelope { Namespace = "n", Topic = "/a", Event = Exit("c") };
        var status = await StatusAsync(daemon.Events.ForwardAsync(new ForwardRequest { Envelope = timeless }, In(null)));
        Assert.StartsWith("envelope.timestamp", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_of_namespaces_are_published_except_implicit_creation()
    {
        using var call = await SubscribeAsync("topic~=|^/namespaces/|,event.name~=published");
        await daemon.Namespaces.CreateAsync(
            new CreateNamespaceRequest { Namespace = new Namespace { Name = "published", Labels = { ["a"] = "1" } } },
            In("caller"));
        await new Containerd.Services.Leases.V1.Leases.LeasesClient(daemon.Channel).CreateAsync(new() { Id = "l" }, In("silent"));
        await daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = "published" }, In("caller"));
        var events = await TakeAsync(call, 2);
        Assert.Equal([("/namespaces/create", "caller"), ("/namespaces/delete", "published")],
            events.Select(e => (e.Topic, e.Namespace)));
        Assert.Equal("1", NamespaceCreate.Parser.ParseFrom(events[0].Event.Value).Labels["a"]);
    }
}
