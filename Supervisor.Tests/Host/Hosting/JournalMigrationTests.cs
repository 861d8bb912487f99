using Containerd.Events;
using Containerd.Services.Containers.V1;
using Containerd.Services.Namespaces.V1;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Supervisor.Actors.Persistence;
using Supervisor.Tests.Host;
using Supervisor.V1;
using static Supervisor.Tests.Host.TestDaemon;
using Status = Containerd.V1.Types.Status;

namespace Supervisor.Tests.Host.Hosting;

/// <summary>
/// Journals of every format, each written by the last version that used it, which was killed at work: a running task, a stopped
/// one, one that was run and deleted, an exec, namespaces, leases, and 19 published events.
/// </summary>
public sealed class JournalMigrationTests : IAsyncLifetime
{
    private const int Published = 19;
    private readonly TestDaemon _daemon = new();

    public Task InitializeAsync() => Task.CompletedTask;

    private async Task StartOn(string format)
    {
        Directory.CreateDirectory(_daemon.Options.Root);
        File.Copy(Path.Join(Repository.Root, $"Supervisor.Tests/fixtures/journal/{format}.db"),
            JournalConfig.FileIn(_daemon.Options.Root));
        await _daemon.InitializeAsync();
    }

    public Task DisposeAsync() => _daemon.DisposeAsync();

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task Everything_in_a_journal_of_any_format_is_still_there(string format)
    {
        await StartOn(format);
        var containers = await _daemon.Containers.ListAsync(new ListContainersRequest(), In("default"));
        Assert.Equal(["running", "stopped"], containers.Containers.Select(c => c.Id).Order());
        var stopped = await _daemon.Tasks.GetAsync(new GetRequest { ContainerId = "stopped" }, In("default"));
        Assert.Equal((Status.Stopped, 3u), (stopped.Process.Status, stopped.Process.ExitStatus));
        var namespaces = await _daemon.Namespaces.ListAsync(new ListNamespacesRequest(), In(null));
        Assert.Equal(["default", "other", "third"], namespaces.Namespaces.Select(n => n.Name).Order());
        var leases = await _daemon.Leases.ListAsync(new Containerd.Services.Leases.V1.ListRequest(), In("other"));
        Assert.Equal("keep2", Assert.Single(leases.Leases).Id);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task The_history_continues_from_its_last_number(string format)
    {
        await StartOn(format);
        // The running task's init was of another boot, or has exited since: its exit is the next event.
        var events = await Until(
            1, e => e.Topic == "/tasks/exit"
            && TaskExit.Parser.ParseFrom(e.Event_.Value) is { ContainerId: "running", Id: "running" });
        if (format == "v1") Assert.Equal(
            Enumerable.Range(1, Published).Select(n => (long)n), events.Take(Published).Select(e => e.Number));
        Assert.Equal("/containers/create", events[0].Topic);
        Assert.Equal("/namespaces/create", events[Published - 1].Topic);
        Assert.Equal(Published + 1, events.Count);
        foreach (var (before, after) in events.Zip(events.Skip(1))) Assert.Equal(before.Number, after.Previous);
        Assert.Equal(255u, TaskExit.Parser.ParseFrom(events[^1].Event_.Value).ExitStatus);
    }

    [Fact]
    public async Task A_copy_of_the_first_format_is_kept_and_the_migration_is_not_repeated()
    {
        await StartOn("v1");
        var copy = JournalConfig.FileIn(_daemon.Options.Root) + JournalMigration.CopySuffix;
        var written = File.GetLastWriteTimeUtc(copy);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
        using (var connection = new SqliteConnection($"Data Source={copy};Pooling=False;Mode=ReadOnly"))
        {
            connection.Open();
            using var count = connection.CreateCommand();
            count.CommandText = "SELECT count(*) FROM event_journal WHERE persistence_id = 'events'";
            Assert.Equal((long)Published, count.ExecuteScalar());
        }
        await _daemon.RestartAsync();
        Assert.Equal(written, File.GetLastWriteTimeUtc(copy));
        Assert.Equal(Published + 1, (await Until(1, e => e.Number > Published)).Count);
    }

    private async Task<List<Event>> Until(long from, Predicate<Event> last)
    {
        using var call = new Events.EventsClient(_daemon.Channel).Subscribe(new EventsSubscribeRequest { From = from }, In(null));
        var seen = new List<Event>();
        await foreach (var e in call.ResponseStream.ReadAllAsync())
        {
            seen.Add(e);
            if (last(e)) return seen;
        }
        throw new InvalidOperationException("the stream has ended");
    }
}
