using System.Diagnostics;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>Plugins and actors that share the thread of a file fail independently.</summary>
public sealed class SharedStoreTests
{
    private const string WithoutTables = "akka.persistence.journal.sqlite.auto-initialize = off";
    private readonly Probe _probe = new();

    private static async Task<object> LoadAsync(PersistentSystem system) =>
        await Akka.Persistence.Persistence.Instance.Apply(system.System).SnapshotStoreFor(null).Ask(
            new LoadSnapshot("a", SnapshotSelectionCriteria.Latest, long.MaxValue), Probe.Soon);

    private async Task<string> FailureAsync(PersistentSystem system, string id = "a")
    {
        system.Start<Recorder>(id, _probe);
        var failure = (string)await _probe.Next();
        Assert.StartsWith("not recovered", failure, StringComparison.Ordinal);
        await _probe.Expect("stopped");
        return failure;
    }

    [Fact]
    public async Task A_journal_that_cannot_be_opened_leaves_the_snapshot_store_of_its_file_alone()
    {
        await using var system = PersistentSystem.OnDisk(WithoutTables);
        Assert.Contains("akka.persistence.journal.sqlite.auto-initialize = on", await FailureAsync(system),
            StringComparison.Ordinal);
        Assert.Null(Assert.IsType<LoadSnapshotResult>(await LoadAsync(system)).Snapshot);
        Assert.Contains("no such table", await FailureAsync(system), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("table-name = \"a-b\"", "table-name")]
    [InlineData("max-batch-size = many", "max-batch-size")]
    [InlineData("history.keep = many", "keep")]
    [InlineData("history.keep-for = soon", "keep-for")]
    public async Task An_invalid_setting_is_reported_to_the_actors_that_need_it(string setting, string key)
    {
        await using var system = PersistentSystem.OnDisk($"akka.persistence.journal.sqlite.{setting}");
        var failure = await FailureAsync(system);
        Assert.Contains("akka.persistence.journal.sqlite", failure, StringComparison.Ordinal);
        Assert.Contains(key, failure, StringComparison.Ordinal);
        Assert.IsType<LoadSnapshotResult>(await LoadAsync(system));
    }

    [Fact]
    public async Task Many_actors_wait_for_a_lock_together_and_not_one_after_the_other()
    {
        const int Actors = 40;
        await using var system = PersistentSystem.OnDisk("""
            akka.persistence.journal.sqlite.connection-timeout = 1s
            akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
            """);
        using var other = Database.Open(system.File);
        using (var command = other.CreateCommand())
        {
            command.CommandText = "BEGIN EXCLUSIVE";
            command.ExecuteNonQuery();
        }
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < Actors; i++) system.Start<Recorder>($"a{i}", _probe);
        var seen = await _probe.Next(Actors * 2);
        Assert.Equal(Actors,
            seen.Count(s => s is string text && text.Contains("another process holds a lock", StringComparison.Ordinal)));
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(Actors / 2), "each actor waited on its own");
    }

    [Fact]
    public async Task Two_journals_on_one_table_give_each_offset_once()
    {
        await using var system = PersistentSystem.OnDisk("""
            akka.persistence.journal.second = ${akka.persistence.journal.sqlite}
            """);
        var persistence = Akka.Persistence.Persistence.Instance.Apply(system.System);
        var journals = new[] { persistence.JournalFor(null), persistence.JournalFor("akka.persistence.journal.second") };
        Assert.NotEqual(journals[0], journals[1]);
        using var spy = await StreamSpy.OnAsync(system);
        var receiver = system.System.ActorOf(Props.Create(() => new Receiver(_probe)));
        for (var i = 1; i <= 50; i++)
        {
            foreach (var (journal, name) in journals.Zip(["a", "b"]))
            {
                var write = new AtomicWrite(
                    new Persistent(new Tagged(new Fast("x"), [TaggedStream.Tag]), i, name, writerGuid: "w"));
                journal.Tell(new WriteMessages([write], receiver, 1), receiver);
            }
        }
        for (var written = 0; written < 100;)
        {
            var answer = await _probe.Next();
            Assert.False(answer is WriteMessageFailure or WriteMessagesFailed, $"{answer}");
            if (answer is WriteMessageSuccess) written++;
        }
        Assert.Equal(Enumerable.Range(1, 100), spy.Events.Select(e => (int)e.Offset));
        TaggedStream.AssertUnbroken(spy.Events);
    }

    private sealed class Receiver(Probe probe) : UntypedActor
    {
        protected override void OnReceive(object message) => probe.Add(message);
    }
}
