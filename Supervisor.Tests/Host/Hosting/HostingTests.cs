using System.Net.Sockets;
using Containerd.Services.Containers.V1;
using Containerd.Services.Events.V1;
using Containerd.Services.Leases.V1;
using Containerd.Services.Namespaces.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Health.V1;
using Supervisor.Host.Daemon;
using Supervisor.Host.Hosting;
using Supervisor.Kernel.Files;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Hosting;

public sealed class HostingTests : IAsyncLifetime
{
    private readonly TestDaemon _daemon = new();

    public Task InitializeAsync() => _daemon.InitializeAsync();

    public Task DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public void The_socket_is_accessible_to_its_owner_only() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_daemon.Options.Address));

    [Fact]
    public async Task Two_daemons_share_neither_a_root_nor_a_state_directory_nor_an_address()
    {
        var sameRoot = _daemon.Options with { Address = $"{_daemon.Base}/s2" };
        Assert.Contains("root directory",
            (await Assert.ThrowsAsync<DaemonStartException>(() => DaemonHost.StartAsync(sameRoot))).Message,
            StringComparison.Ordinal);
        var sameState = _daemon.Options with { Address = $"{_daemon.Base}/s2", Root = $"{_daemon.Base}/root2" };
        Assert.Contains("state directory",
            (await Assert.ThrowsAsync<DaemonStartException>(() => DaemonHost.StartAsync(sameState))).Message,
            StringComparison.Ordinal);
        var sameAddress = _daemon.Options with { Root = $"{_daemon.Base}/root2", State = $"{_daemon.Base}/state2" };
        Assert.Contains("address",
            (await Assert.ThrowsAsync<DaemonStartException>(() => DaemonHost.StartAsync(sameAddress))).Message,
            StringComparison.Ordinal);
        await _daemon.Health.CheckAsync(new HealthCheckRequest(), In(null)); // and the first one was not disturbed
    }

    [Fact]
    public async Task A_lock_that_a_child_of_an_exiting_daemon_still_holds_is_waited_for()
    {
        var path = $"{_daemon.Base}/held";
        await File.WriteAllTextAsync(path, "");
        using var child = System.Diagnostics.Process.Start("flock", ["-x", path, "sleep", "0.7"]);
        for (var isHeld = false; !isHeld;)
        {
            using var probe = System.Diagnostics.Process.Start("flock", ["-n", "-x", path, "true"]);
            await probe.WaitForExitAsync();
            isHeld = probe.ExitCode != 0;
            Assert.False(child.HasExited);
        }
        using var taken = LockFile.Take(path, "a test's file");
        await child.WaitForExitAsync().WaitAsync(Deadline);
    }

    [Fact]
    public async Task A_lock_whose_file_was_replaced_meanwhile_is_taken_on_the_new_file()
    {
        var path = $"{_daemon.Base}/removed";
        var first = LockFile.Take(path, "a test's file");
        var second = Task.Run(() => LockFile.Take(path, "a test's file"));
        await Task.Delay(100); // it has opened the file and is waiting
        File.Delete(path);
        first.Dispose();
        using var taken = await second.WaitAsync(Deadline);
        Assert.Throws<DaemonStartException>(() => LockFile.Take(path, "a test's file"));
    }

    [Fact]
    public async Task A_file_that_is_not_a_socket_is_not_removed_for_the_address()
    {
        var file = $"{_daemon.Base}/precious";
        await File.WriteAllTextAsync(file, "x");
        var refused = Assert.Throws<DaemonStartException>(() => ListeningSocket.RemoveStale(file));
        Assert.Contains("is not a socket", refused.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(file));
        Assert.Contains("answers there already",
            Assert.Throws<DaemonStartException>(() => ListeningSocket.RemoveStale(_daemon.Options.Address)).Message,
            StringComparison.Ordinal);
        Assert.Contains("107 bytes",
            Assert.Throws<DaemonStartException>(() => ListeningSocket.RemoveStale("/tmp/" + new string('x', 108))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_without_a_listener_is_removed()
    {
        var path = $"{_daemon.Base}/stale";
        // its stop finds nothing to remove
        using (ListeningSocket.Bind($"{_daemon.Base}/bound", group: null)) File.Move($"{_daemon.Base}/bound", path);
        Assert.NotNull(FileKind.Of(path));
        ListeningSocket.RemoveStale(path);
        Assert.Null(FileKind.Of(path));
    }

    [Fact]
    public void A_directory_that_others_may_write_to_is_refused() =>
        Assert.Contains("others may write",
            Assert.Throws<DaemonStartException>(() => PrivateDirectory.ClaimForSocket("/tmp")).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_stop_ends_open_streams_with_unavailable_and_never_with_cancelled()
    {
        using var events = _daemon.Events.Subscribe(new SubscribeRequest(), In(null));
        await events.ResponseHeadersAsync.WaitAsync(Deadline);
        using var watch = _daemon.Health.Watch(new HealthCheckRequest(), In(null));
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        var stopping = _daemon.Host.StopAsync("the test says so");
        var ended = await Assert.ThrowsAsync<RpcException>(() => events.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal((StatusCode.Unavailable, "the daemon is stopping"), (ended.StatusCode, ended.Status.Detail));
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        var unwatched = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.Unavailable, unwatched.StatusCode);
        await stopping.WaitAsync(Deadline);
        Assert.Null(FileKind.Of(_daemon.Options.Address));
        await _daemon.InitializeAsync(); // for DisposeAsync
    }

    [Fact]
    public async Task An_idle_connection_is_closed_unless_it_has_made_a_call()
    {
        var options = _daemon.Options with
        {
            Address = $"{_daemon.Base}/s2", Root = $"{_daemon.Base}/root2", State = $"{_daemon.Base}/state2",
            FirstCallWithin = TimeSpan.FromSeconds(1),
        };
        await using var host = await DaemonHost.StartAsync(options);
        using var silent = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await silent.ConnectAsync(new UnixDomainSocketEndPoint(options.Address));
        using var channel = Connect(options.Address);
        using var events = new Events.EventsClient(channel).Subscribe(new SubscribeRequest(), In(null));
        await events.ResponseHeadersAsync;
        Assert.Equal(0, await ReadToEnd(silent).WaitAsync(Deadline));
        var next = events.ResponseStream.MoveNext(CancellationToken.None); // over the connection that has made a call
        await new Namespaces.NamespacesClient(channel)
            .CreateAsync(new CreateNamespaceRequest { Namespace = new Namespace { Name = "received" } }, In(null));
        Assert.True(await next.WaitAsync(Deadline));
    }

    /// <returns>0 when the other side has closed.</returns>
    private static async Task<int> ReadToEnd(Socket socket)
    {
        var buffer = new byte[4096];
        int got;
        do
        {
            try
            {
                got = await socket.ReceiveAsync(buffer); // the server's SETTINGS come first
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset)
            {
                return 0;
            }
        }
        while (got > 0);
        return got;
    }

    [Fact]
    public async Task A_malformed_message_is_an_invalid_argument()
    {
        var raw = Marshallers.Create<byte[]>(b => b, b => b);
        foreach (var type in new[] { MethodType.Unary, MethodType.ServerStreaming })
        {
            var (service, name) = type is MethodType.Unary
                ? ("containerd.services.namespaces.v1.Namespaces", "Get") : ("containerd.services.events.v1.Events", "Subscribe");
            var method = new Method<byte[], byte[]>(type, service, name, raw, raw);
            var invoker = _daemon.Channel.CreateCallInvoker();
            byte[] garbage = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]; // a field that is longer than the message
            var e = type is MethodType.Unary
                ? await Assert.ThrowsAsync<RpcException>(
                    async () => await invoker.AsyncUnaryCall(method, null, In(null), garbage))
                : await Assert.ThrowsAsync<RpcException>(
                    () => invoker.AsyncServerStreamingCall(method, null, In(null), garbage).ResponseStream.MoveNext(default));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.Contains("not a valid message", e.Status.Detail, StringComparison.Ordinal);
            Assert.DoesNotContain("Exception", e.Status.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Acknowledged_changes_survive_a_restart()
    {
        var uuid = (await _daemon.Introspection.ServerAsync(new Empty(), In(null))).Uuid;
        await _daemon.Namespaces.CreateAsync(
            new CreateNamespaceRequest { Namespace = new Namespace { Name = "kept", Labels = { ["a"] = "1" } } }, In(null));
        await _daemon.Leases.CreateAsync(new CreateRequest { Id = "gone" }, In("kept"));
        await _daemon.Leases.DeleteAsync(new DeleteRequest { Id = "gone" }, In("kept"));
        var lease = (await _daemon.Leases.CreateAsync(
            new CreateRequest { Id = "l", Labels = { ["b"] = "2" } }, In("kept"))).Lease;
        var container = new Container {
            Id = "c", Runtime = new() { Name = "r" }, Spec = new Any { TypeUrl = "x" }, Labels = { ["c"] = "3" } };
        container = (await _daemon.Containers.CreateAsync(
            new CreateContainerRequest { Container = container }, In("kept"))).Container;

        await _daemon.RestartAsync();

        Assert.Equal(uuid, (await _daemon.Introspection.ServerAsync(new Empty(), In(null))).Uuid);
        Assert.Equal("1", (await _daemon.Namespaces.GetAsync(
            new GetNamespaceRequest { Name = "kept" }, In(null))).Namespace.Labels["a"]);
        Assert.Equal([lease], (await _daemon.Leases.ListAsync(new ListRequest(), In("kept"))).Leases);
        Assert.Equal([container], (await _daemon.Containers.ListAsync(new ListContainersRequest(), In("kept"))).Containers);
    }

    [Fact]
    public async Task A_long_history_of_leases_is_compacted_without_losing_the_latest()
    {
        for (var i = 0; i < Supervisor.Actors.Leases.LeasesActor.CompactEvery / 2; i++)
        {
            await _daemon.Leases.CreateAsync(new CreateRequest { Id = $"l{i}" }, In("many"));
            if (i % 8 != 0) await _daemon.Leases.DeleteAsync(new DeleteRequest { Id = $"l{i}" }, In("many"));
        }
        var before = (await _daemon.Leases.ListAsync(new ListRequest(), In("many"))).Leases;
        await _daemon.Leases.CreateAsync(new CreateRequest { Id = "x" }, In("many"));
        for (var i = 0; i < 40; i++)
        {
            await _daemon.Leases.CreateAsync(new CreateRequest { Id = "y" }, In("many"));
            await _daemon.Leases.DeleteAsync(new DeleteRequest { Id = "y" }, In("many"));
        }
        await _daemon.Host.StopAsync("a test restarts it").WaitAsync(Deadline);
        await using (var journal = _daemon.LockJournal())
        {
            await using var command = journal.CreateCommand();
            command.CommandText = "SELECT count(*) FROM event_journal WHERE persistence_id = 'leases'";
            Assert.InRange((long)(await command.ExecuteScalarAsync())!, 1, Supervisor.Actors.Leases.LeasesActor.CompactEvery / 2);
        }
        await _daemon.InitializeAsync();
        var after = (await _daemon.Leases.ListAsync(new ListRequest(), In("many"))).Leases;
        Assert.Equal([.. before.Select(l => l.Id), "x"], after.Select(l => l.Id));
    }
}
