using Containerd.Events;
using Containerd.Services.Containers.V1;
using Containerd.Services.Events.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Host.Services;
using static Supervisor.Tests.Host.TestDaemon;
using Envelope = Containerd.Services.Events.V1.Envelope;

namespace Supervisor.Tests.Host.Services;

/// <summary>Loads and requests that must not disturb the daemon: many subscribers, and unsupported runtimes.</summary>
public sealed class ManyClientsTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task A_thousand_subscribers_all_receive_an_event_while_other_calls_are_answered()
    {
        var calls = new List<AsyncServerStreamingCall<Envelope>>();
        try
        {
            for (var i = 0; i < 1000; i++)
                calls.Add(daemon.Events.Subscribe(
                    new SubscribeRequest { Filters = { "topic~=|^/thousand/|" } }, new CallOptions()));
            await Task.WhenAll(calls.Select(c => c.ResponseHeadersAsync)).WaitAsync(TimeSpan.FromMinutes(2));
            var exit = new Any { TypeUrl = "containerd.events.TaskExit", Value = new TaskExit { Id = "c" }.ToByteString() };
            await daemon.Events.PublishAsync(new PublishRequest { Topic = "/thousand/1", Event = exit }, In("n"));
            await daemon.Containers.ListAsync(new ListContainersRequest(), In("n"));
            var received = await Task.WhenAll(
                calls.Select(async c => await c.ResponseStream.MoveNext() && c.ResponseStream.Current.Topic == "/thousand/1"))
                .WaitAsync(TimeSpan.FromMinutes(2));
            Assert.Equal(1000, received.Count(h => h));
        }
        finally
        {
            foreach (var call in calls) call.Dispose();
        }
    }

    [Fact]
    public async Task An_unsupported_runtime_is_refused_when_the_task_is_created()
    {
        var container = new Container {
            Id = "vm", Runtime = new() { Name = "io.containerd.kata.v2" }, Spec = new Any { TypeUrl = "x" } };
        await daemon.Containers.CreateAsync(new CreateContainerRequest { Container = container }, In("rt"));
        var refused = await StatusAsync(daemon.Tasks.CreateAsync(new CreateTaskRequest { ContainerId = "vm" }, In("rt")));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("io.containerd.kata.v2", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(
            StatusCode.NotFound,
                (await StatusAsync(daemon.Tasks.GetAsync(new GetRequest { ContainerId = "vm" }, In("rt")))).StatusCode);
    }

    [Theory]
    [InlineData("binary:///allowed/logger?x=y", true)]
    [InlineData("binary:///allowed", false)]
    [InlineData("binary:///allowed/../other/logger", false)]
    [InlineData("binary:///allowed-not/logger", false)]
    [InlineData("binary://relative/logger", false)]
    [InlineData("/any/fifo", true)]
    public void Only_log_binaries_in_allowed_directories_are_started(string stdout, bool allowed)
    {
        var binaries = new LogBinaries(["/allowed"]);
        var stdio = new Supervisor.Actors.Tasks.StdioPaths("", stdout, "", false);
        if (allowed) Assert.Same(stdio, binaries.Check(stdio));
        else Assert.Throws<Supervisor.Actors.Identity.InvalidFieldException>(() => binaries.Check(stdio));
    }
}
