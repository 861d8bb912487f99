using System.Text.Json.Nodes;
using System.Threading.Channels;
using Supervisor.Client;
using Supervisor.Client.Errors;
using Supervisor.Client.Events;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Client;

/// <summary>Contract D1: the events of tasks, also across a restart of the daemon.</summary>
public sealed class EventSubscriptionTests(ClientServers servers) : IClassFixture<ClientServers>
{
    private static readonly TimeSpan Patience = CommandLine.Patience;

    public static TheoryData<Server> Servers => ClientServers.All;

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Every_kind_of_event_arrives_in_order(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(client, "sleep 1000");
        await using var events = new Reader(await client.SubscribeAsync());
        await using var task = await container.StartAsync();
        await using (var exec = await task.ExecAsync("e1", ClientServers.ProcessSpec("exit 7")))
        {
            await exec.WaitAsync().WaitAsync(Patience);
            await exec.DeleteAsync();
        }
        await task.PauseAsync();
        await task.ResumeAsync();
        await task.KillAsync(9);
        var exit = await task.WaitAsync().WaitAsync(Patience);
        await task.DeleteAsync();
        var seen = await events.UntilAsync(
            e => e.ContainerId == container.Id && e.Topic == "/tasks/delete" && e.ProcessId != "e1");
        seen = [.. seen.Where(e => e.ContainerId == container.Id && e.Kind is not EventKind.Unknown)];
        Assert.Equal(
            [EventKind.Create, EventKind.Start, EventKind.ExecAdded, EventKind.ExecStarted, EventKind.Exit, EventKind.Paused,
                EventKind.Resumed, EventKind.Exit],
            seen.Select(e => e.Kind));
        Assert.Equal(("e1", 7), (seen[4].ProcessId, seen[4].ExitCode));
        Assert.Equal((container.Id, 137, task.Pid), (seen[7].ProcessId, seen[7].ExitCode, seen[7].Pid));
        Assert.Equal(exit.ExitedAt, seen[7].ExitedAt);
        Assert.All(seen, e => Assert.Null(e.Error));
        Assert.All(seen, e => Assert.Equal(server is Server.Supervisor, e.Number > 0));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task An_out_of_memory_kill_is_reported_to_a_callback(Server server)
    {
        using var client = servers.Connect(server);
        using var stop = new CancellationTokenSource();
        var oom = new TaskCompletionSource<ProcessEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
        var following = await client.OnEventAsync(e =>
        {
            if (e.Kind is EventKind.Oom) oom.TrySetResult(e);
            return Task.CompletedTask;
        }, stop.Token);
        var container = await servers.CreateAsync(client, "tail /dev/zero", spec =>
        {
            spec["linux"]!["resources"] = JsonNode.Parse("""{"memory":{"limit":16777216,"swap":16777216}}""");
            spec["linux"]!["devices"] = JsonNode.Parse("[]");
        });
        await using var task = await container.StartAsync();
        Assert.Equal(container.Id, (await oom.Task.WaitAsync(Patience)).ContainerId);
        await task.ForceDeleteAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_subscription_and_a_wait_continue_where_they_were_when_the_daemon_is_killed()
    {
        using var client = servers.Connect(Server.Supervisor);
        var container = await servers.CreateAsync(client, "read line; exit 4");
        await using var events = new Reader(await client.SubscribeAsync());
        await using var task = await container.StartAsync(withStdin: true, attachStdio: (_, _) => Task.CompletedTask);
        var exit = task.WaitAsync();
        await servers.KillAsync(Server.Supervisor);
        await task.Stdio!.Input!.WriteAsync("\n"u8.ToArray()); // it exits while there is no daemon
        await Assert.ThrowsAsync<ClientException>(() => client.VersionAsync());
        await servers.StartAsync(Server.Supervisor);
        Assert.Equal(4, (await exit.WaitAsync(Patience)).Code);
        await task.DeleteAsync();
        var seen = await events.UntilAsync(e => e.Topic == "/tasks/delete");
        Assert.Equal([EventKind.Create, EventKind.Start, EventKind.Exit, EventKind.Unknown],
            seen.Where(e => e.ContainerId == container.Id).Select(e => e.Kind));
        Assert.All(seen, e => Assert.Null(e.Error));
        Assert.Equal(seen.Select(e => e.Number).Distinct().Order(), seen.Select(e => e.Number));
    }

    [Fact]
    public async Task A_subscription_to_containerd_says_that_a_restart_may_have_hidden_events()
    {
        using var client = servers.Connect(Server.Containerd);
        await using var events = new Reader(await client.SubscribeAsync());
        await servers.RestartAsync(Server.Containerd);
        var gap = (await events.UntilAsync(e => e.Error is not null))[^1];
        Assert.Equal(EventKind.Unknown, gap.Kind);
        Assert.Contains("some may be missing", gap.Error, StringComparison.Ordinal);
        var container = await servers.CreateAsync(client, "true");
        await using var task = await container.StartAsync();
        await events.UntilAsync(e => e.ContainerId == container.Id && e.Kind is EventKind.Exit);
        await task.DeleteAsync();
    }

    [Fact]
    public async Task A_subscription_says_that_the_history_was_replaced()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new SupervisorClient(new ClientOptions { Address = daemon.Address, Namespace = daemon.Namespace });
        for (var i = 0; i < 50; i++) // more than a new daemon has
            await (await client.NewContainerAsync(ClientServers.NewId(), "{}")).DeleteAsync();
        await using var events = new Reader(await client.SubscribeAsync());
        await daemon.KillAsync();
        Directory.Delete(daemon.Root, recursive: true);
        daemon.Arguments = ["--forget"];
        await daemon.RestartAsync();
        var gap = (await events.UntilAsync(e => e.Error is not null))[^1];
        Assert.Equal((EventKind.Unknown, ""), (gap.Kind, gap.Topic));
        Assert.Contains("does not continue", gap.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_history_and_an_inspection_are_the_daemons_alone()
    {
        using var client = servers.Connect(Server.Supervisor);
        var container = await servers.CreateAsync(client, "exit 6");
        await using (var task = await container.StartAsync())
        {
            await task.WaitAsync().WaitAsync(Patience);
            var inspected = await client.Supervisor.InspectAsync(container.Id);
            Assert.Equal(("stopped", 6u), (inspected.Status.ToLowerInvariant(), inspected.ExitStatus));
            await task.DeleteAsync();
        }
        await using var past = new Reader(await client.Supervisor.SubscribeAsync(from: 1));
        var seen = await past.UntilAsync(e => e.ContainerId == container.Id && e.Kind is EventKind.Exit);
        Assert.Equal(6, seen[^1].ExitCode);
        await using var future = new Reader(await client.Supervisor.SubscribeAsync(from: 1L << 40));
        var beyond = Assert.IsType<ClientException>(
            (await Assert.ThrowsAsync<ChannelClosedException>(() => future.UntilAsync(_ => true))).InnerException);
        Assert.Equal(ErrorCode.OutOfRange, beyond.Code);

        using var containerd = servers.Connect(Server.Containerd);
        Assert.Equal(ErrorCode.Unimplemented,
            (await Assert.ThrowsAsync<ClientException>(() => containerd.Supervisor.InspectAsync("x"))).Code);
        Assert.Equal(ErrorCode.Unimplemented,
            (await Assert.ThrowsAsync<ClientException>(() => containerd.Supervisor.SubscribeAsync(from: 1))).Code);
    }

    [Fact]
    public async Task A_subscription_has_one_enumeration_at_a_time_and_ends_when_it_is_disposed()
    {
        using var client = servers.Connect(Server.Supervisor);
        var subscription = await client.SubscribeAsync();
        await using (var first = subscription.GetAsyncEnumerator())
        {
            var next = first.MoveNextAsync().AsTask();
            await using var second = subscription.GetAsyncEnumerator();
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await second.MoveNextAsync());
            await subscription.DisposeAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(Patience));
        }
    }

    [Fact]
    public async Task An_enumeration_that_was_cancelled_is_continued_by_the_next()
    {
        using var client = servers.Connect(Server.Supervisor);
        await using var subscription = await client.SubscribeAsync();
        using (var stop = new CancellationTokenSource())
        {
            await using var first = subscription.GetAsyncEnumerator(stop.Token);
            var next = first.MoveNextAsync().AsTask();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(Patience));
        }
        var container = await servers.CreateAsync(client, "true"); // while there is no call
        await using var task = await container.StartAsync();
        await using var events = new Reader(subscription);
        Assert.Equal(EventKind.Create, (await events.UntilAsync(e => e.ContainerId == container.Id))[^1].Kind);
        await task.ForceDeleteAsync();
    }

    /// <summary>Reads a subscription until disposed.</summary>
    private sealed class Reader : IAsyncDisposable
    {
        private readonly EventSubscription _subscription;
        private readonly Channel<ProcessEvent> _events = Channel.CreateUnbounded<ProcessEvent>();
        private readonly Task _reading;

        public Reader(EventSubscription subscription)
        {
            _subscription = subscription;
            _reading = ReadAsync();
        }

        /// <summary>All events up to one.</summary>
        public async Task<IReadOnlyList<ProcessEvent>> UntilAsync(Func<ProcessEvent, bool> isLast)
        {
            using var deadline = new CancellationTokenSource(Patience);
            var seen = new List<ProcessEvent>();
            do seen.Add(await _events.Reader.ReadAsync(deadline.Token));
            while (!isLast(seen[^1]));
            return seen;
        }

        public async ValueTask DisposeAsync()
        {
            await _subscription.DisposeAsync();
            await _reading;
        }

        private async Task ReadAsync()
        {
            try
            {
                await foreach (var e in _subscription) _events.Writer.TryWrite(e);
            }
            catch (OperationCanceledException)
            {
                _events.Writer.TryComplete();
            }
            catch (ClientException e)
            {
                _events.Writer.TryComplete(e);
            }
        }
    }
}
