using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Supervisor.Persistence.Sqlite;
using Supervisor.Persistence.Sqlite.Store;
using static Supervisor.Tests.Persistence.Database;
using static Supervisor.Tests.Persistence.Recorder;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>What our plugins promise in addition: group commits and durability.</summary>
public sealed class SqliteStoreTests
{
    private readonly Probe _probe = new();

    private static StoreSettings Settings(string config) =>
        new("test", Akka.Configuration.ConfigurationFactory.ParseString(config)
            .WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath)));

    [Fact]
    public async Task A_stopped_system_leaves_one_file_with_everything_in_it()
    {
        await using var system = PersistentSystem.OnDisk();
        system.Start<Recorder>("a", _probe).Tell(Do(a => a.Persist("e", a.Note)));
        await _probe.Expect("recovered 0", "e");
        Assert.True(File.Exists(system.File + "-wal"));
        await system.StopAsync();
        Assert.Equal([system.File], Directory.GetFiles(system.DirectoryPath));
    }

    [Fact]
    public async Task Commits_are_synced_and_written_ahead()
    {
        await using var system = PersistentSystem.OnDisk();
        var settings = Settings($"connection-string = \"Data Source={system.File}\"");
        using var connection = new StoreConnection(settings);
        Assert.Equal("wal", connection.Prepared("PRAGMA journal_mode").ExecuteScalar());
        Assert.Equal(2L, connection.Prepared("PRAGMA synchronous").ExecuteScalar());    // FULL
    }

    [Fact]
    public async Task Many_actors_share_a_transaction()
    {
        const int Actors = 50, Events = 100;
        await using var system = PersistentSystem.OnDisk();
        var settings = Settings($"connection-string = \"Data Source={system.File}-store\", auto-initialize = on");
        using var writer = new StoreThread(settings);
        Assert.True(writer.TryAddUser(reserve: 0));
        await writer.Do(() => "creating", Durability.Synced, c => c.Run("CREATE TABLE t (a, b)"), default);
        var busy = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        var first = writer.Do(() => "waiting", Durability.Synced, _ =>
        {
            entered.SetResult();
            return busy.Task.Wait(Probe.Soon);
        }, default);
        await entered.Task.WaitAsync(Probe.Soon);
        var rest = Enumerable.Range(0, 500).Select(i => writer.Do(() => "writing", Durability.Synced,
            c => c.Run("INSERT INTO t VALUES ($0, $1)", i, "x"), default)).ToArray();
        Assert.All(rest, task => Assert.False(task.IsCompleted));
        busy.SetResult();
        await Task.WhenAll(rest).WaitAsync(Probe.Soon);
        Assert.True(await first);
        Assert.Equal(3, writer.Commits.All);        // the delayed one, and one for all that arrived meanwhile

        var actors = Enumerable.Range(0, Actors).Select(i => system.Start<Recorder>($"a{i}", _probe)).ToArray();
        foreach (var actor in actors)
        {
            for (var i = 0; i < Events; i++) actor.Tell(Do(a => a.Persist("e", a.Note)));
        }
        var seen = await _probe.Next(Actors * (Events + 1));
        Assert.Equal(Actors * Events, seen.Count(s => s is "e"));
    }

    [Fact]
    public async Task A_failing_request_does_not_affect_others_in_its_group()
    {
        await using var system = PersistentSystem.OnDisk();
        var settings = Settings($"connection-string = \"Data Source={system.File}-store\", auto-initialize = on");
        using var writer = new StoreThread(settings);
        Assert.True(writer.TryAddUser(reserve: 0));
        await writer.Do(() => "creating", Durability.Synced, c => c.Run("CREATE TABLE t (a INTEGER PRIMARY KEY)"), default);
        var busy = new TaskCompletionSource();
        _ = writer.Do(() => "waiting", Durability.Synced, _ => busy.Task.Wait(Probe.Soon), default);
        var requests = new[] { 1, 2, 2, 3 }.Select(i => writer.Do(() => $"writing {i}", Durability.Synced,
            c => c.Run("INSERT INTO t VALUES ($0)", i), default)).ToArray();
        busy.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => Task.WhenAll(requests).WaitAsync(Probe.Soon));
        Assert.Equal([false, false, true, false], requests.Select(r => r.IsFaulted));
        Assert.Contains("writing 2 failed", requests[2].Exception!.InnerException!.Message, StringComparison.Ordinal);
        Assert.Equal(3L, await writer.Do(() => "counting", Durability.Read, c => c.Number("SELECT count(*) FROM t"), default));
    }

    [Fact]
    public async Task A_cancelled_first_request_does_not_stop_the_thread()
    {
        await using var system = PersistentSystem.OnDisk();
        using var writer = new StoreThread(
            Settings($"connection-string = \"Data Source={system.File}-store\", auto-initialize = on"));
        Assert.True(writer.TryAddUser(reserve: 1 << 20)); // before there is a connection to reserve it with
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => writer.Do(() => "reading", Durability.Read, _ => 1, new CancellationToken(true)));
        Assert.Equal(2, await writer.Do(() => "reading", Durability.Read, _ => 2, default));
    }

    [Fact]
    public async Task An_event_that_cannot_be_serialized_is_rejected_alone()
    {
        await using var system = PersistentSystem.OnDisk();
        var actor = system.Start<Recorder>("a", _probe);
        actor.Tell(Do(a =>
        {
            a.Persist("good", a.Note);
            a.Persist<object>(new Unserializable(), a.Note);
            a.Persist("better", a.Note);
        }));
        await _probe.Expect("recovered 0", "good");
        Assert.StartsWith("rejected", (string)await _probe.Next(), StringComparison.Ordinal);
        await _probe.Expect("better");
    }

    private sealed class Unserializable
    {
        public string Text => throw new InvalidOperationException("no text");
    }

    [Fact]
    public async Task Two_writers_of_one_id_are_detected()
    {
        await using var system = PersistentSystem.OnDisk();
        var (first, second) = (system.Start<Recorder>("a", _probe), system.Start<Recorder>("a", _probe));
        await _probe.Expect("recovered 0", "recovered 0");
        first.Tell(Do(a => a.Persist("mine", a.Note)));
        await _probe.Expect("mine");
        second.Tell(Do(a => a.Persist("mine too", a.Note)));
        Assert.Contains("two actors", (string)await _probe.Next(), StringComparison.Ordinal);
        await _probe.Expect("stopped");
    }
}
