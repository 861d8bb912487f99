using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Tests.Persistence.Journal;

/// <summary>
/// What Akka.Persistence expects of any journal, at the level of the plugin's messages. The published suite of such tests,
/// Akka.Persistence.TCK, is not a dependency here: these follow its list of behaviours.
/// </summary>
public sealed class JournalSpecification : TestKit
{
    private const string Id = "p-1";
    private readonly string _directory;
    private readonly IActorRef _journal;
    private readonly TestProbe _sender, _receiver;

    public JournalSpecification() : this(Directory.CreateTempSubdirectory("journal-spec-").FullName) { }

    private JournalSpecification(string directory) : base(ConfigurationFactory.ParseString($$"""
        akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off }
        akka.persistence.journal {
          plugin = "akka.persistence.journal.sqlite"
          sqlite { connection-string = "Data Source={{directory}}/journal.db", auto-initialize = on }
        }
        """).WithFallback(SqlitePersistence.DefaultConfig))
    {
        _directory = directory;
        SchedulerTests.Use(Sys);
        _journal = Akka.Persistence.Persistence.Instance.Apply(Sys).JournalFor(null);
        (_sender, _receiver) = (CreateTestProbe(), CreateTestProbe());
        Write(1, 5);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_directory, recursive: true);
    }

    private static Persistent Event(long number, object? payload = null, string id = Id) =>
        new(payload ?? $"a-{number}", number, id, manifest: "", isDeleted: false, ActorRefs.NoSender, writerGuid: "writer");

    private void Write(long from, long to)
    {
        _journal.Tell(new WriteMessages(
            Enumerable.Range((int)from, (int)(to - from + 1)).Select(i => new AtomicWrite(Event(i))), _receiver.Ref, 1));
        _receiver.ExpectMsg<WriteMessagesSuccessful>(Probe.Soon);
        for (var i = from; i <= to; i++)
        {
            var number = i;
            _receiver.ExpectMsg<WriteMessageSuccess>(
                m => m.Persistent.SequenceNr == number && Equals(m.Persistent.Payload, $"a-{number}"), Probe.Soon);
        }
    }

    private void ExpectReplay(long from, long to, long max, long highest, params long[] numbers)
    {
        _journal.Tell(new ReplayMessages(from, to, max, Id, _receiver.Ref));
        foreach (var number in numbers)
        {
            var e = _receiver.ExpectMsg<ReplayedMessage>(Probe.Soon).Persistent;
            Assert.Equal((Id, number, $"a-{number}", false), (e.PersistenceId, e.SequenceNr, (string)e.Payload, e.IsDeleted));
        }
        Assert.Equal(highest, _receiver.ExpectMsg<RecoverySuccess>(Probe.Soon).HighestSequenceNr);
    }

    private void Delete(long to)
    {
        _journal.Tell(new DeleteMessagesTo(Id, to, _receiver.Ref));
        _receiver.ExpectMsg<DeleteMessagesSuccess>(m => m.ToSequenceNr == to, Probe.Soon);
    }

    [Fact]
    public void It_replays_all_messages() => ExpectReplay(1, long.MaxValue, long.MaxValue, 5, 1, 2, 3, 4, 5);

    [Fact]
    public void It_replays_from_a_lower_bound() => ExpectReplay(3, long.MaxValue, long.MaxValue, 5, 3, 4, 5);

    [Fact]
    public void It_replays_up_to_an_upper_bound() => ExpectReplay(1, 3, long.MaxValue, 5, 1, 2, 3);

    [Fact]
    public void It_replays_no_more_than_asked_for() => ExpectReplay(1, long.MaxValue, 3, 5, 1, 2, 3);

    [Fact]
    public void It_replays_between_both_bounds() => ExpectReplay(2, 3, long.MaxValue, 5, 2, 3);

    [Fact]
    public void It_replays_between_both_bounds_no_more_than_asked_for() => ExpectReplay(2, 5, 2, 5, 2, 3);

    [Fact]
    public void It_replays_one_message_when_both_bounds_are_equal() => ExpectReplay(2, 2, long.MaxValue, 5, 2);

    [Fact]
    public void It_replays_nothing_when_the_maximum_is_zero()
    {
        ExpectReplay(2, 4, 0, 5);
        ExpectReplay(3, 2, long.MaxValue, 5);
        ExpectReplay(6, long.MaxValue, long.MaxValue, 5);
    }

    [Fact]
    public void It_replays_nothing_for_an_id_without_messages()
    {
        _journal.Tell(new ReplayMessages(0, long.MaxValue, long.MaxValue, "unknown", _receiver.Ref));
        Assert.Equal(0, _receiver.ExpectMsg<RecoverySuccess>(Probe.Soon).HighestSequenceNr);
    }

    [Fact]
    public void It_replays_more_than_it_reads_at_once()
    {
        Write(6, 1701);
        ExpectReplay(1, long.MaxValue, long.MaxValue, 1701, [.. Enumerable.Range(1, 1701).Select(i => (long)i)]);
        ExpectReplay(2, 1501, long.MaxValue, 1701, [.. Enumerable.Range(2, 1500).Select(i => (long)i)]);
        ExpectReplay(1, long.MaxValue, 500, 1701, [.. Enumerable.Range(1, 500).Select(i => (long)i)]);
        ExpectReplay(1, long.MaxValue, 501, 1701, [.. Enumerable.Range(1, 501).Select(i => (long)i)]);
    }

    [Fact]
    public void It_does_not_replay_deleted_messages()
    {
        Delete(3);
        ExpectReplay(1, long.MaxValue, long.MaxValue, 5, 4, 5);
        ExpectReplay(2, 4, long.MaxValue, 5, 4);
    }

    [Fact]
    public void It_keeps_the_highest_number_when_all_messages_are_deleted()
    {
        Delete(long.MaxValue);
        ExpectReplay(0, long.MaxValue, long.MaxValue, 5);
        Write(6, 6);
        ExpectReplay(0, long.MaxValue, long.MaxValue, 6, 6);
        Delete(2);
        ExpectReplay(0, long.MaxValue, long.MaxValue, 6, 6);
    }

    [Fact]
    public void It_writes_the_events_of_one_command_together_or_not_at_all()
    {
        // The second event's number is already in use.
        _journal.Tell(new WriteMessages(
            [new AtomicWrite([Event(6), Event(5, "again")]), new AtomicWrite(Event(7))], _receiver.Ref, 1));
        _receiver.ExpectMsg<WriteMessagesFailed>(Probe.Soon);
        foreach (var number in new[] { 6, 5, 7 })
            Assert.Equal(number, _receiver.ExpectMsg<WriteMessageFailure>(Probe.Soon).Persistent.SequenceNr);
        ExpectReplay(1, long.MaxValue, long.MaxValue, 5, 1, 2, 3, 4, 5);
    }

    [Fact]
    public void It_rejects_an_event_that_cannot_be_serialized_and_writes_the_rest()
    {
        _journal.Tell(new WriteMessages(
            [new AtomicWrite(Event(6)), new AtomicWrite([Event(7), Event(8, new Unserializable())]), new AtomicWrite(Event(9))],
                _receiver.Ref, 1));
        _receiver.ExpectMsg<WriteMessagesSuccessful>(Probe.Soon);
        Assert.Equal(6, _receiver.ExpectMsg<WriteMessageSuccess>(Probe.Soon).Persistent.SequenceNr);
        foreach (var number in new[] { 7, 8 })
            Assert.Equal(number, _receiver.ExpectMsg<WriteMessageRejected>(Probe.Soon).Persistent.SequenceNr);
        Assert.Equal(9, _receiver.ExpectMsg<WriteMessageSuccess>(Probe.Soon).Persistent.SequenceNr);
        ExpectReplay(6, long.MaxValue, long.MaxValue, 9, 6, 9);
    }

    private sealed class Unserializable
    {
        public string Text => throw new InvalidOperationException("no text");
    }
}
