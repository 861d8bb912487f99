using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Leases;
using Supervisor.Actors.Persistence;
using Supervisor.Storage;

namespace Supervisor.Actors.Images;

/// <summary>
/// The shell of <see cref="MetadataMachine"/>. One for all namespaces, since they share blobs and are collected together. It
/// decides on its latest state, ahead of the journal: a reply waits for its own disk write, but the next command does not.
/// Readers see what is journalled.
/// </summary>
/// <param name="directory">Where readers look; written by this actor only.</param>
/// <param name="leases">What leases keep is not garbage.</param>
/// <param name="containers">What containers use is not garbage.</param>
/// <param name="files">Swept once, after recovery.</param>
/// <param name="publisher">Publishes what is journalled.</param>
public sealed class MetadataActor(
    MetadataDirectory directory, LeaseDirectory leases, ContainerDirectory containers, StorageFiles files, IActorRef publisher)
    : CompactingActor
{
    private const int CompactEvery = 4096;

    private MetadataState _decided = MetadataState.Empty, _journalled = MetadataState.Empty;

    private sealed record Swept(Exception? Failure);

    /// <inheritdoc/>
    public override string PersistenceId => "metadata";

    /// <summary>How to create one.</summary>
    public static Props Props(
        MetadataDirectory directory, LeaseDirectory leases, ContainerDirectory containers, StorageFiles files,
            IActorRef publisher) =>
        Akka.Actor.Props.Create(() => new MetadataActor(directory, leases, containers, files, publisher));

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case MetadataCommand command:
                Execute(command, Sender);
                break;
            case Swept { Failure: { } failure }:
                directory.Failed(failure);
                break;
            case Swept:
                directory.IsRecovered();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case MetadataEvent e:
                _decided = MetadataMachine.Apply(_decided, e);
                if (e is MetadataEvent.Compacted) OnCompactionReplayed();
                break;
            case RecoveryCompleted:
                _journalled = _decided;
                directory.Publish(_journalled);
                Sweep();
                break;
        }
    }

    private void Execute(MetadataCommand command, IActorRef asker)
    {
        var before = _decided;
        var decision = MetadataMachine.Decide(before, command, () => Garbage(before, command.At));
        foreach (var e in decision.Events) _decided = MetadataMachine.Apply(_decided, e);
        var freed = MetadataMachine.Freed(before, _decided, decision.Events);
        PersistEachAsync(decision.Events, e =>
        {
            _journalled = MetadataMachine.Apply(_journalled, e);
            directory.Publish(_journalled);
            ReportApplied(publisher, MetadataEventMapper.TopicOf(e));
        });
        DeferAsync(decision, d =>
        {
            asker.Tell(new MetadataReply(d.Refusal, _journalled, freed));
            CompactIfLong(CompactEvery, () => Compacted(command.At));
        });
    }

    // Leases before containers: a client deletes a lease only after it created the container that uses its content.
    private ImmutableArray<MetadataEvent> Garbage(MetadataState state, DateTimeOffset now)
    {
        var live = leases.All.Where(l => !l.HasExpired(now)).ToImmutableArray();
        return GarbageMarking.Garbage(state, live, [.. containers.All.Select(e => e.Record)], now);
    }

    private MetadataEvent.Compacted Compacted(DateTimeOffset at) =>
        new(at, [.. _decided.Images.Values], [.. _decided.Blobs.Values], [.. _decided.Snapshots.Values]);

    private void Sweep()
    {
        var self = Self;
        var blobs = _decided.Blobs.Values.Select(b => b.File).ToHashSet(StringComparer.Ordinal);
        var snapshots = _decided.Snapshots.Values.Select(s => (s.Snapshotter, s.Id)).ToHashSet();
        files.SweepAsync(blobs, snapshots)
            .ContinueWith(done => self.Tell(new Swept(done.Exception?.InnerException)), TaskScheduler.Default);
    }
}
