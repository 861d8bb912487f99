using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Tests.Persistence.Journal;

/// <summary>How many tagged events outlive their actors, and that exactly the rest is removed.</summary>
public sealed class RetentionTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("retention-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private StoredJournal Open(string history) => new(Path.Combine(_directory, "journal.db"), history: history);

    private static IEnumerable<int> Offsets(StoredJournal journal) => journal.Stream.Select(r => (int)r.Offset);

    [Fact]
    public void A_deleted_event_stays_in_the_history_until_its_bound_is_reached()
    {
        using var journal = Open("keep = 20, segment = 10");
        for (var i = 1; i <= 20; i++)
        {
            journal.Append("a", i);
            journal.Delete("a", i);
        }
        journal.Tidy();
        Assert.Empty(journal.Replay("a"));
        Assert.Equal(Enumerable.Range(1, 20), Offsets(journal));
        Assert.Equal(0, journal.Bounds.First);

        // One more would be the twenty-first: the oldest ten are dropped.
        journal.Append("a", 21);
        Assert.Equal(11, journal.Bounds.First);
        Assert.Equal(Enumerable.Range(11, 11), Offsets(journal));
        Assert.Equal(21, journal.Count("event_journal"));
        journal.Tidy();
        Assert.Equal(11, journal.Count("event_journal"));
        Assert.Equal(10, journal.Stream[0].Previous);
    }

    [Fact]
    public void The_history_is_bounded_by_age()
    {
        var start = new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        using var journal = Open("keep = 1000, keep-for = 60s, segment = 10");
        for (var i = 1; i <= 100; i++)
        {
            journal.Append("a", i, at: start.AddSeconds(i));
            journal.Delete("a", i);
            // Events younger than a minute are kept, and none more than two segments older: the current segment, and one
            // that is dropped when all of it is too old.
            Assert.True(journal.Bounds.First <= Math.Max(0, i - 60), $"at {i}: first {journal.Bounds.First}");
            Assert.True(Math.Max(1, journal.Bounds.First) > i - 60 - 20, $"at {i}: first {journal.Bounds.First}");
        }
        journal.Tidy();
        Assert.Equal(Enumerable.Range(21, 80), Offsets(journal));
        Assert.Equal(80, journal.Count("event_journal"));
    }

    [Fact]
    public void The_history_is_bounded_by_size()
    {
        using var journal = Open("keep = 1000, keep-size = 10000, segment = 5");
        for (var i = 1; i <= 100; i++)
        {
            journal.Append("a", i, bytes: 999);
            journal.Delete("a", i);
            Assert.True(journal.Stream.Count <= 10 + 1);
        }
        journal.Tidy();
        Assert.Equal(Enumerable.Range(91, 10), Offsets(journal));
        Assert.Equal(10, journal.Count("event_journal"));
    }

    [Fact]
    public void Size_and_age_of_the_history_are_known_after_reopening()
    {
        for (var i = 1; i <= 100; i++)
        {
            using var journal = Open("keep = 1000, keep-size = 10000, segment = 5");
            journal.Append("a", i, bytes: 999);
            journal.Delete("a", i);
            journal.Tidy();
        }
        using var last = Open("keep = 1000, keep-size = 10000, segment = 5");
        Assert.Equal(Enumerable.Range(91, 10), Offsets(last));
        Assert.Equal(91, last.Bounds.First);
    }

    [Fact]
    public void Events_that_an_actor_has_not_deleted_are_kept_for_it_but_not_for_the_stream()
    {
        using var journal = Open("keep = 20, segment = 10");
        for (var i = 1; i <= 100; i++) journal.Append(i % 2 == 0 ? "even" : "odd", (i + 1) / 2, isTagged: i % 3 != 0);
        journal.Tidy();
        Assert.Equal(Enumerable.Range(1, 50), journal.Replay("even").Select(r => (int)r.SequenceNr));
        Assert.Equal(Enumerable.Range(1, 50), journal.Replay("odd").Select(r => (int)r.SequenceNr));
        Assert.True(journal.Bounds.First > 50);
        Assert.Equal(journal.Bounds.First, journal.Stream[0].Offset);

        // An event that the stream has already dropped is removed at once.
        var before = journal.Count("event_journal");
        journal.Delete("even", 20);
        Assert.Equal(before - 20, journal.Count("event_journal"));
        Assert.Equal(Enumerable.Range(21, 30), journal.Replay("even").Select(r => (int)r.SequenceNr));
    }

    [Fact]
    public void An_untagged_event_is_removed_when_its_actor_deletes_it()
    {
        using var journal = Open("keep = 20, segment = 10");
        for (var i = 1; i <= 6; i++) journal.Append("a", i, isTagged: i % 2 == 0);
        journal.Delete("a", 5);
        Assert.Equal([2, 4, 6], Offsets(journal));
        Assert.Equal(3, journal.Count("event_journal"));
        Assert.Equal([6], journal.Replay("a").Select(r => (int)r.SequenceNr));
    }

    [Theory]
    [InlineData("keep = 0")]
    [InlineData("keep = 5, segment = 5")]
    public void Numbers_are_not_reused_when_all_events_are_removed(string history)
    {
        using (var journal = Open(history))
        {
            for (var i = 1; i <= 8; i++) journal.Append("a", i);
            journal.Delete("a", long.MaxValue);
            for (var i = 1; i <= 30; i++) journal.Append("b", i);
            journal.Tidy();
            Assert.Equal(30, journal.Count("event_journal"));
            Assert.Equal(8, journal.Highest("a"));
        }
        using var again = Open(history);
        Assert.Equal(8, again.Highest("a"));
    }

    [Fact]
    public void Numbers_are_forgotten_with_the_last_event_where_that_is_allowed()
    {
        using var journal = Open("keep = 20, segment = 10, forget-numbers = on");
        for (var i = 1; i <= 8; i++) journal.Append("a", i);
        journal.Append("kept", 1);
        journal.Delete("a", long.MaxValue);
        journal.Tidy();
        Assert.Equal((8, 1), (journal.Highest("a"), journal.Count("journal_metadata")));
        for (var i = 1; i <= 30; i++) journal.Append("b", i);
        journal.Tidy();
        Assert.Equal((0, 0), (journal.Highest("a"), journal.Count("journal_metadata")));
        Assert.Equal(1, journal.Highest("kept"));
    }

    [Fact]
    public void Without_a_history_the_last_event_is_kept_until_the_next_one_refers_to_it()
    {
        using (var journal = Open("keep = 0"))
        {
            for (var i = 1; i <= 3; i++) journal.Append("a", i);
            journal.Delete("a", 3);
            journal.Tidy();
            Assert.Equal(1, journal.Count("event_journal"));
            Assert.Empty(journal.Replay("a"));
        }
        using var again = Open("keep = 0");
        again.Append("a", 4);
        Assert.Equal(3, again.Stream[^1].Previous);
        again.Tidy();
        Assert.Equal(1, again.Count("event_journal"));
    }

    [Fact]
    public void A_history_that_was_off_for_a_while_does_not_claim_to_be_complete()
    {
        using (var journal = Open("keep = 100, segment = 10"))
        {
            for (var i = 1; i <= 5; i++) journal.Append("a", i);
        }
        using (var journal = Open("keep = 0"))
        {
            journal.Append("a", 6);
            journal.Delete("a", 4);
        }
        using var again = Open("keep = 100, segment = 10");
        again.Append("a", 7);
        Assert.Equal(7, again.Bounds.First);
        Assert.Equal([7], Offsets(again));
    }

    [Fact]
    public async Task The_store_prunes_when_it_is_idle()
    {
        var probe = new Probe();
        await using var system = PersistentSystem.OnDisk("akka.persistence.journal.sqlite.history { keep = 1000, segment = 10 }");
        using var spy = await StreamSpy.OnAsync(system);
        var actor = system.Start<Recorder>("a", probe);
        await probe.Expect("recovered 0");
        Action<Recorder> write = a =>
            a.PersistAll(Enumerable.Repeat(new Tagged(new Fast("x"), [TaggedStream.Tag]), 2000), _ => a.Note("written"));
        actor.Tell(write);
        await probe.Next(2000);
        Action<Recorder> delete = a => a.DeleteMessages(2000);
        actor.Tell(delete);
        await probe.Next<DeleteMessagesSuccess>();
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var last = spy.Store.Table("last", () => new Last(idle));
        // It is called after the journal, and only when the journal has nothing left to do.
        await spy.Store.Do(new StoreRequest<int>(null!, last, () => "opening", Durability.Read, _ => 0), default);
        await idle.Task.WaitAsync(Probe.Soon);
        var rows = await spy.Store.Do(
            () => "counting", Durability.Read, c => c.Number("SELECT count(*) FROM event_journal"), default);
        Assert.Equal(1000, rows);
    }

    private sealed class Last(TaskCompletionSource idle) : IStoreTable
    {
        public void Opened(StoreConnection connection) { }
        public void Committed() { }
        public void RolledBack() { }
        public bool Tidy(StoreConnection connection)
        {
            idle.TrySetResult();
            return false;
        }
    }
}
