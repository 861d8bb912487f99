using Containerd.Services.Namespaces.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Supervisor.Host.Daemon;
using Supervisor.Host.Hosting;
using Supervisor.Kernel.Files;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Hosting;

/// <summary>A daemon while it starts, and one that cannot.</summary>
public sealed class StartTests : IAsyncLifetime
{
    private readonly TestDaemon _daemon = new();

    public Task InitializeAsync() => _daemon.InitializeAsync();

    public Task DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task A_call_during_replay_is_answered_when_the_replay_is_complete()
    {
        await _daemon.Namespaces.CreateAsync(
            new CreateNamespaceRequest { Namespace = new Namespace { Name = "kept" } }, In(null));
        await _daemon.Host.StopAsync("a test restarts it").WaitAsync(Deadline);
        var journal = _daemon.LockJournal();
        var starting = _daemon.InitializeAsync();
        using (var early = Connect(_daemon.Options.Address))
        {
            var health = new Health.HealthClient(early);
            var namespaces = new Namespaces.NamespacesClient(early);
            await SocketIsThere();
            var patient = In(null).WithWaitForReady();
            using var watch = health.Watch(new HealthCheckRequest(), patient);
            Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, watch.ResponseStream.Current.Status);
            Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing,
                (await health.CheckAsync(new HealthCheckRequest(), patient)).Status);
            var impatient = await StatusAsync(
                namespaces.ListAsync(new ListNamespacesRequest(), deadline: DateTime.UtcNow.AddMilliseconds(300)));
            Assert.Equal(StatusCode.DeadlineExceeded, impatient.StatusCode);
            var list = namespaces.ListAsync(new ListNamespacesRequest(), patient).ResponseAsync;
            Assert.False(list.IsCompleted || starting.IsCompleted);
            await journal.DisposeAsync();
            Assert.Contains("kept", (await list).Namespaces.Select(n => n.Name));
            Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);
        }
        await starting;
    }

    [Fact]
    public async Task A_call_during_replay_fails_when_the_journal_cannot_be_read()
    {
        await _daemon.Host.StopAsync("a test restarts it").WaitAsync(Deadline);
        await using (_daemon.LockJournal())
        {
            var starting = DaemonHost.StartAsync(_daemon.Options);
            using var early = Connect(_daemon.Options.Address);
            await SocketIsThere();
            var list = await StatusAsync(
                new Namespaces.NamespacesClient(early).ListAsync(new ListNamespacesRequest(), In(null).WithWaitForReady()));
            var failure = await Assert.ThrowsAnyAsync<Exception>(() => starting.WaitAsync(Deadline));
            Assert.Equal((StatusCode.Unavailable, $"the daemon cannot start: {failure.Message}"), (list.StatusCode, list.Detail));
            Assert.Null(FileKind.Of(_daemon.Options.Address));
        }
        await _daemon.InitializeAsync(); // for DisposeAsync
    }

    [Fact]
    public async Task A_start_is_cancelled_while_the_journal_is_read()
    {
        await _daemon.Host.StopAsync("a test restarts it").WaitAsync(Deadline);
        await using (_daemon.LockJournal())
        {
            using var stop = new CancellationTokenSource();
            var starting = DaemonHost.StartAsync(_daemon.Options, stop.Token);
            using var early = Connect(_daemon.Options.Address);
            await SocketIsThere();
            var health = new Health.HealthClient(early);
            using var watch = health.Watch(new HealthCheckRequest(), In(null).WithWaitForReady());
            Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None)); // connected
            var list = StatusAsync(new Namespaces.NamespacesClient(early).ListAsync(new ListNamespacesRequest(), In(null)));
            // The list is on its way: the connection has carried later calls.
            for (var later = 0; later < 20; later++) await health.CheckAsync(new HealthCheckRequest(), In(null));
            Assert.False(list.IsCompleted || starting.IsCompleted);
            await stop.CancelAsync();
            Assert.Equal((StatusCode.Unavailable, "the daemon is stopping"), ((await list).StatusCode, (await list).Detail));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting.WaitAsync(Deadline));
            Assert.Null(FileKind.Of(_daemon.Options.Address));
        }
        await _daemon.InitializeAsync(); // nothing is locked any more
    }

    [Fact]
    public async Task A_start_that_fails_leaves_neither_actors_nor_a_shim()
    {
        await _daemon.Host.StopAsync("a test restarts it").WaitAsync(Deadline);
        var content = $"{_daemon.Options.Root}/content";
        Directory.Delete(content, recursive: true);
        await File.WriteAllTextAsync(content, "not a directory");
        var failure = await Assert.ThrowsAnyAsync<IOException>(() => DaemonHost.StartAsync(_daemon.Options).WaitAsync(Deadline));
        Assert.Contains(content, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain($"{_daemon.Options.Root}/journal.db", OpenFiles());
        await Eventually.IsTrue(() => !Supervisor.Runtime.ShimClient.ShimPool.AnyInUse(_daemon.Options.State));
        File.Delete(content);
        await _daemon.InitializeAsync(); // nothing is locked any more
    }

    private static IEnumerable<string?> OpenFiles() =>
        Directory.GetFiles("/proc/self/fd").Select(fd => new FileInfo(fd).LinkTarget);

    private async Task SocketIsThere()
    {
        for (var end = DateTime.UtcNow + Deadline; FileKind.Of(_daemon.Options.Address) is null; await Task.Delay(10))
            Assert.True(DateTime.UtcNow < end);
    }
}
