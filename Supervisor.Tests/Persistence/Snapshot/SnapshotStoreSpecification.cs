using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Tests.Persistence.Snapshot;

/// <summary>What Akka.Persistence expects of any snapshot store: see <see cref="JournalSpecification"/>.</summary>
public sealed class SnapshotStoreSpecification : TestKit
{
    private const string Id = "p-1";
    private readonly string _directory;
    private readonly IActorRef _store;
    private readonly TestProbe _sender;
    private readonly List<SnapshotMetadata> _saved = [];

    public SnapshotStoreSpecification() : this(Directory.CreateTempSubdirectory("snapshot-spec-").FullName) { }

    private SnapshotStoreSpecification(string directory) : base(ConfigurationFactory.ParseString($$"""
        akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off }
        akka.persistence.snapshot-store {
          plugin = "akka.persistence.snapshot-store.sqlite"
          sqlite { connection-string = "Data Source={{directory}}/snapshots.db", auto-initialize = on }
        }
        """).WithFallback(SqlitePersistence.DefaultConfig))
    {
        _directory = directory;
        SchedulerTests.Use(Sys);
        _store = Akka.Persistence.Persistence.Instance.Apply(Sys).SnapshotStoreFor(null);
        _sender = CreateTestProbe();
        // Their times differ by a second: 10, 11, ...
        for (var number = 10; number <= 14; number++)
        {
            var metadata = new SnapshotMetadata(Id, number, Time(number));
            _store.Tell(new SaveSnapshot(metadata, $"s-{number}"), _sender);
            _saved.Add(_sender.ExpectMsg<SaveSnapshotSuccess>(Probe.Soon).Metadata);
        }
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_directory, recursive: true);
    }

    private static DateTime Time(int number) => new(2030, 1, 1, 0, 0, number, DateTimeKind.Utc);

    private void ExpectLoaded(int? number, SnapshotSelectionCriteria criteria, long to = long.MaxValue, string id = Id)
    {
        _store.Tell(new LoadSnapshot(id, criteria, to), _sender);
        var result = _sender.ExpectMsg<LoadSnapshotResult>(Probe.Soon);
        Assert.Equal(to, result.ToSequenceNr);
        if (number is not { } n)
        {
            Assert.Null(result.Snapshot);
            return;
        }
        Assert.Equal($"s-{n}", result.Snapshot.Snapshot);
        Assert.Equal(new SnapshotMetadata(Id, n, Time(n)), result.Snapshot.Metadata);
    }

    [Fact]
    public void It_loads_nothing_for_an_unknown_id() => ExpectLoaded(null, SnapshotSelectionCriteria.Latest, id: "unknown");

    [Fact]
    public void It_loads_nothing_below_the_first_snapshot()
    {
        ExpectLoaded(null, new SnapshotSelectionCriteria(9));
        ExpectLoaded(null, SnapshotSelectionCriteria.Latest, to: 9);
        ExpectLoaded(null, new SnapshotSelectionCriteria(long.MaxValue, Time(9)));
        ExpectLoaded(null, SnapshotSelectionCriteria.None);
    }

    [Fact]
    public void It_loads_the_latest_within_the_bounds()
    {
        ExpectLoaded(14, SnapshotSelectionCriteria.Latest);
        ExpectLoaded(13, new SnapshotSelectionCriteria(13));
        ExpectLoaded(13, SnapshotSelectionCriteria.Latest, to: 13);
        ExpectLoaded(12, new SnapshotSelectionCriteria(13, Time(12)));
        ExpectLoaded(12, new SnapshotSelectionCriteria(long.MaxValue, Time(12)), to: 13);
        ExpectLoaded(14, new SnapshotSelectionCriteria(long.MaxValue, DateTime.MaxValue, 12, Time(12)));
        ExpectLoaded(null, new SnapshotSelectionCriteria(long.MaxValue, DateTime.MaxValue, 15, Time(12)));
    }

    [Fact]
    public void It_deletes_exactly_the_named_snapshot()
    {
        _store.Tell(new DeleteSnapshot(_saved[2]), _sender);
        Assert.Equal(_saved[2], _sender.ExpectMsg<DeleteSnapshotSuccess>(Probe.Soon).Metadata);
        ExpectLoaded(11, new SnapshotSelectionCriteria(12));
        ExpectLoaded(14, SnapshotSelectionCriteria.Latest);
    }

    [Fact]
    public void It_deletes_by_number_alone_without_a_time()
    {
        _store.Tell(new DeleteSnapshot(new SnapshotMetadata(Id, 14, DateTime.MinValue)), _sender);
        _sender.ExpectMsg<DeleteSnapshotSuccess>(Probe.Soon);
        ExpectLoaded(13, SnapshotSelectionCriteria.Latest);
    }

    [Fact]
    public void It_deletes_nothing_if_the_time_differs()
    {
        _store.Tell(new DeleteSnapshot(new SnapshotMetadata(Id, 14, Time(3))), _sender);
        _sender.ExpectMsg<DeleteSnapshotSuccess>(Probe.Soon);
        ExpectLoaded(14, SnapshotSelectionCriteria.Latest);
    }

    [Fact]
    public void It_deletes_all_within_the_bounds()
    {
        _store.Tell(new DeleteSnapshots(Id, new SnapshotSelectionCriteria(13, Time(12))), _sender);
        _sender.ExpectMsg<DeleteSnapshotsSuccess>(Probe.Soon);
        ExpectLoaded(null, new SnapshotSelectionCriteria(12));
        ExpectLoaded(13, new SnapshotSelectionCriteria(13));
        ExpectLoaded(14, SnapshotSelectionCriteria.Latest);
    }

    [Fact]
    public void It_replaces_a_snapshot_of_the_same_number()
    {
        var again = new SnapshotMetadata(Id, 14, Time(20));
        _store.Tell(new SaveSnapshot(again, "better"), _sender);
        _sender.ExpectMsg<SaveSnapshotSuccess>(Probe.Soon);
        _store.Tell(new LoadSnapshot(Id, SnapshotSelectionCriteria.Latest, long.MaxValue), _sender);
        var loaded = _sender.ExpectMsg<LoadSnapshotResult>(Probe.Soon).Snapshot;
        Assert.Equal(("better", again), (loaded.Snapshot, loaded.Metadata));
    }

    [Fact]
    public void It_keeps_a_snapshot_of_a_megabyte()
    {
        var large = new string('x', 1 << 20);
        _store.Tell(new SaveSnapshot(new SnapshotMetadata("large", 1, Time(1)), large), _sender);
        _sender.ExpectMsg<SaveSnapshotSuccess>(Probe.Soon);
        _store.Tell(new LoadSnapshot("large", SnapshotSelectionCriteria.Latest, long.MaxValue), _sender);
        Assert.Equal(large, _sender.ExpectMsg<LoadSnapshotResult>(Probe.Soon).Snapshot.Snapshot);
    }

    [Fact]
    public void It_says_why_a_snapshot_cannot_be_saved()
    {
        _store.Tell(new SaveSnapshot(new SnapshotMetadata(Id, 15, Time(15)), new Unserializable()), _sender);
        Assert.Contains("no text", _sender.ExpectMsg<SaveSnapshotFailure>(Probe.Soon).Cause.ToString(), StringComparison.Ordinal);
        ExpectLoaded(14, SnapshotSelectionCriteria.Latest);
    }

    private sealed class Unserializable
    {
        public string Text => throw new InvalidOperationException("no text");
    }
}
