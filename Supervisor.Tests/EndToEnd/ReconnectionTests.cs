using System.Diagnostics;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Running;
using Supervisor.Cli.Verbs;
using Supervisor.Kernel.Processes;
using Supervisor.Tests.Clients;
using Process = System.Diagnostics.Process;
using Status = Grpc.Core.Status;

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

    [Fact]
    public async Task A_refusal_of_the_daemon_is_an_error_at_once_in_every_call()
    {
        CommandLine.Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        using var client = new DaemonClient(_daemon.Address, _daemon.Namespace);
        await client.ContainerAsync("c", CancellationToken.None);
        var waiting = new ProcessClient(client, "c").WaitAsync(CancellationToken.None);
        var journal = Path.Join(_daemon.Root, "journal.db");
        File.Move(journal, journal + ".away");
        var began = Stopwatch.GetTimestamp();
        // it needs the journal, and the wait is open: both get the daemon's own reason, and do not wait for another daemon
        var removal = await Assert.ThrowsAsync<RpcException>(() =>
            Removal.RemoveAsync(client, "c", force: true, CancellationToken.None));
        var wait = await Assert.ThrowsAsync<RpcException>(() => waiting);
        Assert.Contains("removed, renamed or replaced", wait.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(StatusCode.Unavailable, removal.StatusCode); // this reason, or that the journal is not there at the restart
        Assert.Contains(journal, removal.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, Reconnection.Patience / 2);
        await _daemon.ExitedAsync();
        File.Move(journal + ".away", journal, overwrite: true);
        _daemon.Arguments = ["--adopt"]; // the container's exit could not be journalled
        await _daemon.RestartAsync();
    }

    [Fact]
    public async Task SIGKILL_is_sent_to_the_next_daemon_when_the_answer_was_lost()
    {
        CommandLine.Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        using var client = new DaemonClient(_daemon.Address, _daemon.Namespace);
        var killing = await LoseAsync(client, Signal.SIGKILL);
        await _daemon.RestartAsync();
        await killing.WaitAsync(EndToEnd.CommandLine.Patience);
        Assert.Equal("137", CommandLine.Ok(await _daemon.Do("wait", "c")).Trim());
    }

    [Fact]
    public async Task A_signal_whose_delivery_is_unknown_is_not_sent_twice()
    {
        CommandLine.Ok(
            await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sh", "-c", "trap : TERM; sleep 1000"));
        using var client = new DaemonClient(_daemon.Address, _daemon.Namespace);
        var killing = await LoseAsync(client, Signal.SIGTERM);
        var unknown = await Assert.ThrowsAsync<CliException>(() => killing.WaitAsync(Reconnection.Patience / 2));
        Assert.Contains("it is not known whether the signal was delivered to c", unknown.Message, StringComparison.Ordinal);
        // but it waits for the next daemon where none can have received it
        var next = SignalDelivery.SendAsync(client, Request(Signal.SIGTERM), CancellationToken.None);
        await _daemon.RestartAsync();
        await next.WaitAsync(EndToEnd.CommandLine.Patience);
    }

    /// <summary>Sends a signal by a daemon that is killed before it can answer.</summary>
    private async Task<Task> LoseAsync(DaemonClient client, Signal signal)
    {
        await client.ContainerAsync("c", CancellationToken.None);
        using (var stop = Process.Start("kill", ["-STOP", $"{_daemon.Pid}"])) await stop.WaitForExitAsync();
        var killing = SignalDelivery.SendAsync(client, Request(signal), CancellationToken.None);
        Assert.False(killing.IsCompleted);
        await _daemon.KillAsync();
        return killing;
    }

    private static KillRequest Request(Signal signal) => new() { ContainerId = "c", Signal = (uint)signal };

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
