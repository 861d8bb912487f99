using Containerd.Services.Containers.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Host.Cli;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A client that has had an answer waits for the next daemon in each of its calls, and does nothing twice.</summary>
public sealed class ReconnectionTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_call_between_two_daemons_waits_for_the_second()
    {
        using var client = new DaemonClient(_daemon.Address, _daemon.Namespace);
        await CreateAsync(client);
        await _daemon.KillAsync();
        var found = client.ContainerAsync("c", CancellationToken.None);
        await _daemon.RestartAsync();
        Assert.Equal("c", (await found.WaitAsync(EndToEnd.CommandLine.Patience)).Id);
    }

    [Fact]
    public async Task A_client_that_never_had_a_daemon_does_not_wait_for_one()
    {
        using var client = new DaemonClient(Path.Join(_daemon.Place, "none"), _daemon.Namespace);
        await Assert.ThrowsAsync<RpcException>(() =>
            client.ContainerAsync("c", CancellationToken.None).WaitAsync(EndToEnd.CommandLine.Patience));
    }

    [Fact]
    public async Task A_call_whose_answer_was_lost_is_not_done_twice()
    {
        using var client = new DaemonClient(_daemon.Address, _daemon.Namespace);
        var calls = 0;
        Assert.Null(await client.RepeatAsync(StatusCode.AlreadyExists, async () =>
        {
            var answer = await CreateAsync(client);
            var lost = new Status(StatusCode.Unavailable, "lost", new IOException("lost"));
            return ++calls == 1 ? throw new RpcException(lost) : answer;
        }));
        Assert.Equal(1, calls);
        var refused = await Assert.ThrowsAsync<RpcException>(() =>
            client.RepeatAsync(StatusCode.AlreadyExists, () => CreateAsync(client)));
        Assert.Equal(StatusCode.AlreadyExists, refused.StatusCode); // another's, not ours
    }

    private static Task<CreateContainerResponse> CreateAsync(DaemonClient client) => client.Containers.CreateAsync(
        new CreateContainerRequest
        {
            Container = new Container
            {
                Id = "c", Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2" },
                Spec = new Any { Value = ByteString.CopyFromUtf8("{}") },
            },
        },
        client.Call()).ResponseAsync;
}
