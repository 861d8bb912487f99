using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace Supervisor.Actors.Events;

/// <summary>
/// The numbered history of everything that happened: an event is published only after it is journalled here, in this
/// order, and its number is its place. A source that recovers tells its events again; each is published once.
/// </summary>
public sealed class EventLogActor : UntypedPersistentActor
{
    private const int SnapshotEvery = 1_000;

    /// <summary>How much history is kept at least.</summary>
    private const long Kept = 100_000;

    private readonly Dictionary<string, long> _last = new(StringComparer.Ordinal);
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <inheritdoc/>
    public override string PersistenceId => "events";

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case PublishEvent publish when IsKnown(publish):
                if (publish.WantsAnswer) Sender.Tell(Published(publish, LastSequenceNr));
                break;
            case PublishEvent publish:
                Remember(publish); // now, not when it is written: the same event may be told again in between
                var asker = Sender;
                PersistAsync(publish, e =>
                {
                    var published = Published(e, LastSequenceNr);
                    Context.System.EventStream.Publish(published);
                    if (e.WantsAnswer) asker.Tell(published);
                    if (LastSequenceNr % SnapshotEvery == 0) SaveSnapshot(new EventSources(new Dictionary<string, long>(_last)));
                });
                break;
            case SaveSnapshotSuccess saved:
                DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
                if (saved.Metadata.SequenceNr > Kept) DeleteMessages(saved.Metadata.SequenceNr - Kept);
                break;
            case SaveSnapshotFailure failed:
                _log.Warning("event log: the snapshot at {0} failed ({1}), going on without it", failed.Metadata.SequenceNr, failed.Cause.Message);
                break;
            case DeleteSnapshotsSuccess or DeleteSnapshotsFailure or DeleteMessagesSuccess or DeleteMessagesFailure:
                break; // what could not be deleted now is, at the next snapshot
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
            case SnapshotOffer { Snapshot: EventSources sources }:
                foreach (var (source, number) in sources.Last) _last[source] = number;
                break;
            case PublishEvent e:
                Remember(e);
                break;
        }
    }

    private bool IsKnown(PublishEvent e) => e.Source.Length > 0 && _last.TryGetValue(e.Source, out var last) && e.SourceNumber <= last;

    private void Remember(PublishEvent e)
    {
        if (e.Source.Length > 0) _last[e.Source] = e.SourceNumber;
    }

    private static PublishedEvent Published(PublishEvent e, long number) => new(number, e.At, e.Namespace, e.Topic, e.Event);
}

/// <summary>Snapshot of the event log: the last number seen of every source.</summary>
public sealed record EventSources(IReadOnlyDictionary<string, long> Last);
