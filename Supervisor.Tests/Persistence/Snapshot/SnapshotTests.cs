using Akka.Actor;
using Akka.Persistence;
using static Supervisor.Tests.Persistence.Recorder;

namespace Supervisor.Tests.Persistence.Snapshot;

/// <summary>Snapshots and deletions: the same on every pair of stores.</summary>
public abstract class SnapshotTests
{
    private readonly Probe _probe = new();

    private protected abstract PersistentSystem NewSystem();

    private async Task<IActorRef> Recorder(PersistentSystem system, params object[] seen)
    {
        var actor = system.Start<Recorder>("a", _probe);
        await _probe.Expect(seen);
        return actor;
    }

    private async Task Stop(IActorRef actor)
    {
        await actor.GracefulStop(Probe.Soon);
        await _probe.Expect("stopped");
    }

    private async Task<IActorRef> With(PersistentSystem system, int events, params int[] snapshotsAfter)
    {
        var actor = await Recorder(system, "recovered 0");
        for (var i = 1; i <= events; i++)
        {
            var number = i;
            actor.Tell(Do(a => a.Persist($"e{number}", a.Note)));
            await _probe.Expect($"e{number}");
            if (!snapshotsAfter.Contains(i)) continue;
            actor.Tell(Do(a => a.SaveSnapshot($"s{number}")));
            Assert.Equal(i, (await _probe.Next<SaveSnapshotSuccess>()).Metadata.SequenceNr);
        }
        return actor;
    }

    [Fact]
    public async Task Recovery_starts_with_the_latest_snapshot()
    {
        await using var system = NewSystem();
        await Stop(await With(system, 5, 2, 4));
        await Recorder(system, "snapshot 4 s4", "replayed e5", "recovered 5");
    }

    [Fact]
    public async Task A_recovery_may_choose_an_older_snapshot_and_an_earlier_end()
    {
        await using var system = NewSystem();
        await Stop(await With(system, 5, 2, 4));
        try
        {
            Persistence.Recorder.RecoverWith = new Recovery(new SnapshotSelectionCriteria(3), 4);
            // The next number still follows the highest that was ever used.
            await Stop(await Recorder(system, "snapshot 2 s2", "replayed e3", "replayed e4", "recovered 5"));
            Persistence.Recorder.RecoverWith = new Recovery(SnapshotSelectionCriteria.None, long.MaxValue, 2);
            await Stop(await Recorder(system, "replayed e1", "replayed e2", "recovered 5"));
            Persistence.Recorder.RecoverWith = Recovery.None;
            await Stop(await Recorder(system, "recovered 5"));
        }
        finally
        {
            Persistence.Recorder.RecoverWith = null;
        }
    }

    [Fact]
    public async Task Deleted_events_are_removed_and_their_numbers_are_not_reused()
    {
        await using var system = NewSystem();
        var actor = await With(system, 3);
        actor.Tell(Do(a => a.DeleteMessages(2)));
        Assert.Equal(2, (await _probe.Next<DeleteMessagesSuccess>()).ToSequenceNr);
        await Stop(actor);
        actor = await Recorder(system, "replayed e3", "recovered 3");
        actor.Tell(Do(a => a.DeleteMessages(long.MaxValue)));
        await _probe.Next<DeleteMessagesSuccess>();
        await Stop(actor);
        actor = await Recorder(system, "recovered 3");
        actor.Tell(Do(a => a.Persist("e4", e => a.Note($"{e} {a.LastSequenceNr}"))));
        await _probe.Expect("e4 4");
    }

    [Fact]
    public async Task Deleting_events_that_do_not_exist_yet_is_refused()
    {
        await using var system = NewSystem();
        var actor = await With(system, 1);
        actor.Tell(Do(a => a.DeleteMessages(7)));
        Assert.Equal(7, (await _probe.Next<DeleteMessagesFailure>()).ToSequenceNr);
    }

    [Fact]
    public async Task Snapshots_can_be_deleted_one_by_one_or_together()
    {
        await using var system = NewSystem();
        var actor = await With(system, 4, 1, 2, 3);
        actor.Tell(Do(a => a.DeleteSnapshot(3)));
        await _probe.Next<DeleteSnapshotSuccess>();
        await Stop(actor);
        actor = await Recorder(system, "snapshot 2 s2", "replayed e3", "replayed e4", "recovered 4");
        actor.Tell(Do(a => a.DeleteSnapshots(new SnapshotSelectionCriteria(2))));
        await _probe.Next<DeleteSnapshotsSuccess>();
        await Stop(actor);
        await Recorder(system, "replayed e1", "replayed e2", "replayed e3", "replayed e4", "recovered 4");
    }

    [Fact]
    public async Task A_snapshot_saved_again_at_the_same_event_replaces_the_earlier_one()
    {
        await using var system = NewSystem();
        var actor = await With(system, 1, 1);
        actor.Tell(Do(a => a.SaveSnapshot("better")));
        await _probe.Next<SaveSnapshotSuccess>();
        await Stop(actor);
        await Recorder(system, "snapshot 1 better", "recovered 1");
    }
}

/// <summary>Tests that set the recorder's recovery must not run in parallel.</summary>
[CollectionDefinition("Recorder")]
public sealed class RecorderCollection;

[Collection("Recorder")]
public sealed class SqliteSnapshotTests : SnapshotTests
{
    private protected override PersistentSystem NewSystem() => PersistentSystem.OnDisk();
}
