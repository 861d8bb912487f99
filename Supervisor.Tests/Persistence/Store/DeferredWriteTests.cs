using Akka.Actor;
using Supervisor.Persistence.Sqlite;
using Supervisor.Persistence.Sqlite.Store;
using static Supervisor.Tests.Persistence.Database;
using static Supervisor.Tests.Persistence.Recorder;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>Writes that wait for the next commit.</summary>
public sealed class DeferredWriteTests
{
    private readonly Probe _probe = new();

    private static readonly Func<string> Doing = () => "writing";

    private static async Task<StoreThread> OpenAsync(PersistentSystem system)
    {
        var thread = new StoreThread(new StoreSettings("test", Akka.Configuration.ConfigurationFactory.ParseString(
            $"connection-string = \"Data Source={system.File}-store\", auto-initialize = on")
            .WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath))));
        Assert.True(thread.TryAddUser(reserve: 0));
        await thread.Do(Doing, Durability.Synced, c => c.Run("CREATE TABLE t (n INTEGER PRIMARY KEY AUTOINCREMENT, a)"), default);
        return thread;
    }

    private static Task<int> Insert(StoreThread thread, string what, Durability durability) =>
        thread.Do(Doing, durability, c => c.Run("INSERT INTO t (a) VALUES ($0)", what), default);

    [Fact]
    public async Task It_shares_the_next_commit_in_the_order_of_the_requests()
    {
        await using var system = PersistentSystem.OnDisk();
        using var thread = await OpenAsync(system);
        var (before, deferred) = (thread.Commits.All, new List<Task<int>>());
        var next = await thread.Do(Doing, Durability.Unsynced, c =>
        {
            // The thread is busy here, so that all three are in the group after this one.
            deferred.Add(Insert(thread, "deferred", Durability.Deferred));
            deferred.Add(Insert(thread, "then", Durability.Unsynced));
            deferred.Add(Insert(thread, "deferred again", Durability.Deferred));
            return 1;
        }, default);
        Assert.Equal(1, next);
        await Task.WhenAll(deferred).WaitAsync(Probe.Soon);
        Assert.Equal(before + 2, thread.Commits.All);
        Assert.Equal("deferred,then,deferred again", await thread.Do(Doing, Durability.Read, c =>
            (string)c.Prepared("SELECT group_concat(a, ',') FROM (SELECT a FROM t ORDER BY n)").ExecuteScalar()!, default));
    }

    [Fact]
    public async Task It_is_written_soon_when_nothing_follows()
    {
        await using var system = PersistentSystem.OnDisk();
        using var thread = await OpenAsync(system);
        await Task.Delay(100); // the thread sleeps until it is woken
        await Insert(thread, "alone", Durability.Deferred).WaitAsync(Probe.Soon);
        await Insert(thread, "alone again", Durability.Deferred).WaitAsync(Probe.Soon);
    }

    [Fact]
    public async Task It_is_written_although_reads_never_pause()
    {
        await using var system = PersistentSystem.OnDisk();
        using var thread = await OpenAsync(system);
        var deferred = Insert(thread, "deferred", Durability.Deferred);
        var reads = 0;
        while (!deferred.IsCompleted)
        {
            await thread.Do(Doing, Durability.Read, c => c.Number("SELECT count(*) FROM t"), default).WaitAsync(Probe.Soon);
            Assert.True(++reads < 1_000_000);
        }
        Assert.Equal(1, await deferred);
    }

    [Fact]
    public async Task A_read_does_not_commit_it()
    {
        await using var system = PersistentSystem.OnDisk();
        using var thread = await OpenAsync(system);
        var (counted, inserted) = (new TaskCompletionSource<long?>(), Task.FromResult(0));
        await thread.Do(Doing, Durability.Unsynced, c =>
        {
            inserted = Insert(thread, "deferred", Durability.Deferred);
            _ = thread.Do(Doing, Durability.Read, r =>
            {
                counted.SetResult(r.Number("SELECT count(*) FROM t"));
                return 0;
            }, default);
            return 0;
        }, default);
        Assert.Equal(0, await counted.Task.WaitAsync(Probe.Soon));
        Assert.Equal(1, await inserted.WaitAsync(Probe.Soon));
    }

    [Fact]
    public async Task A_close_writes_it()
    {
        await using var system = PersistentSystem.OnDisk();
        Task<int> deferred;
        using (var thread = await OpenAsync(system)) deferred = Insert(thread, "last", Durability.Deferred);
        Assert.Equal(1, await deferred.WaitAsync(Probe.Soon));
        using var database = Open($"{system.File}-store");
        Assert.Equal(1L, Scalar<long>(database, "SELECT count(*) FROM t WHERE a = 'last'"));
    }

    [Fact]
    public async Task Events_are_deleted_before_what_is_persisted_next_is_acknowledged()
    {
        await using var system = PersistentSystem.OnDisk();
        var actor = system.Start<Recorder>("a", _probe);
        actor.Tell(Do(a => a.PersistAll(["1", "2", "3"], a.Note)), ActorRefs.NoSender);
        await _probe.Expect("recovered 0", "1", "2", "3");
        actor.Tell(Do(a =>
        {
            a.DeleteMessages(3);
            a.Persist("4", a.Note);
        }), ActorRefs.NoSender);
        await _probe.Next(2);
        await system.StopAsync();
        using var database = Open(system.File);
        Assert.Equal(4L, Scalar<long>(database, "SELECT sum(sequence_nr) FROM event_journal WHERE persistence_id = 'a'"));
    }

    [Fact]
    public async Task An_actor_that_restarts_finds_its_deferred_events()
    {
        await using var system = PersistentSystem.OnDisk();
        for (var i = 0; i < 20; i++)
        {
            var actor = system.Start<Recorder>("a", _probe);
            actor.Tell(Do(a =>
            {
                for (var n = 0; n <= i; n++) a.Persist(new Soon($"{n}"), a.Note);
                a.Persist(new Soon("last"), _ => a.Note("acknowledged"));
            }), ActorRefs.NoSender);
            while (await _probe.Next() is not "acknowledged") { }
            await actor.GracefulStop(Probe.Soon);
            Assert.Equal("stopped", await _probe.Next());
        }
        system.Start<Recorder>("a", _probe);
        const int All = 20 * 21 / 2 + 20;
        var seen = await _probe.Next(All + 1);
        Assert.Equal($"recovered {All}", seen[^1]);
    }

    [Fact]
    public async Task A_deferred_event_that_cannot_be_written_is_published()
    {
        await using var system = PersistentSystem.OnDisk();
        system.System.EventStream.Subscribe(system.Start<Recorder>("observer", _probe), typeof(DeferredWriteFailed));
        var (first, second) = (system.Start<Recorder>("a", _probe), system.Start<Recorder>("a", _probe));
        foreach (var recovered in await _probe.Next(3)) Assert.Equal("recovered 0", recovered);
        first.Tell(Do(a => a.Persist("1", a.Note)), ActorRefs.NoSender);
        await _probe.Expect("1");
        second.Tell(Do(a => a.Persist(new Soon("1"), _ => a.Note("acknowledged"))), ActorRefs.NoSender); // of that number, too
        await _probe.Expect("acknowledged");
        var failed = Assert.IsType<DeferredWriteFailed>(await _probe.Next());
        Assert.Equal("a", failed.PersistenceId);
        Assert.Contains("UNIQUE", failed.Cause.Message, StringComparison.Ordinal);
    }

    public sealed record Soon(string What) : IDeferredEvent;
}
