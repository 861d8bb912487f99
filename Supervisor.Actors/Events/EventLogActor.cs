using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Supervisor.Actors.Journal;
using Supervisor.Actors.Recovery;

namespace Supervisor.Actors.Events;

/// <summary>
/// The numbered history of everything that happened: an event is published only after it is journalled here, in this
/// order, and its number is its place. A source that recovers tells its events again; each is published once.
/// </summary>
public sealed class EventLogActor : JournalledActor
{
    private const int SnapshotEvery = 1_000;

    private readonly Dictionary<string, long> _last = new(StringComparer.Ordinal);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly EventRetention _retention;
    private ImmutableArray<EventStretch> _stretches = [];
    private long _firstOfThisLife;

    /// <param name="retention">How much history is kept.</param>
    public EventLogActor(EventRetention retention) => _retention = retention;

    /// <inheritdoc/>
    public override string PersistenceId => "events";

    /// <inheritdoc/>
    public override Akka.Persistence.Recovery Recovery => Akka.Persistence.Recovery.Default;

    /// <inheritdoc/>
    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case PublishEvent publish:
                Publish(publish, Sender);
                break;
            case PublishAgain again:
                if (again.WantsAnswer || !IsKnown(again.Source, again.LastNumber))
                    foreach (var each in again.Events) Publish(each, Sender);
                break;
            case ForgetSource forget:
                // Its journal is empty: it will never tell of this again.
                if (_last.TryGetValue(forget.Source, out var heard) && heard <= forget.UpTo) _last.Remove(forget.Source);
                break;
            case AskPlace:
                Sender.Tell(new EventLogPlace(_firstOfThisLife, LastSequenceNr));
                break;
            case SaveSnapshotSuccess saved:
                DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
                if (_stretches is [{ First: > 1 and var first }, ..]) DeleteMessages(first - 1);
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
                _stretches = sources.Stretches;
                break;
            case PublishEvent e:
                Remember(e);
                Measure(e);
                break;
            case RecoveryCompleted:
                _firstOfThisLife = LastSequenceNr + 1;
                break;
        }
    }

    private void Publish(PublishEvent publish, IActorRef asker)
    {
        if (IsKnown(publish.Source, publish.SourceNumber))
        {
            if (publish.WantsAnswer) asker.Tell(Published(publish, LastSequenceNr));
            return;
        }
        Remember(publish); // now, not when it is written: the same event may be told again in between
        Failpoint.Pass("before", $"publish {publish.Topic}");
        PersistAsync(publish, e =>
        {
            Failpoint.Pass("after", $"publish {e.Topic}");
            var published = Published(e, LastSequenceNr);
            Context.System.EventStream.Publish(published);
            if (e.WantsAnswer) asker.Tell(published);
            Measure(e);
            if (LastSequenceNr % SnapshotEvery == 0) Shorten(e.At);
        });
    }

    private bool IsKnown(string source, long number) => source.Length > 0 && _last.TryGetValue(source, out var last) && number <= last;

    private void Remember(PublishEvent e)
    {
        if (e.Source.Length > 0) _last[e.Source] = e.SourceNumber;
    }

    /// <summary>A new stretch begins after each snapshot.</summary>
    private void Measure(PublishEvent e)
    {
        var size = 64 + e.Source.Length + e.Namespace.Length + e.Topic.Length + e.Event.TypeUrl.Length + e.Event.Value.Length;
        if (_stretches.IsEmpty || LastSequenceNr / SnapshotEvery > _stretches[^1].First / SnapshotEvery)
            _stretches = _stretches.Add(new EventStretch(LastSequenceNr, e.At, size));
        else _stretches = _stretches.SetItem(_stretches.Length - 1, _stretches[^1] with { Bytes = _stretches[^1].Bytes + size });
    }

    private void Shorten(DateTimeOffset now)
    {
        _stretches = _retention.Keep(_stretches, LastSequenceNr, now);
        SaveSnapshot(new EventSources(new Dictionary<string, long>(_last), _stretches)); // and what is before them goes when it is saved
    }

    private static PublishedEvent Published(PublishEvent e, long number) => new(number, e.At, e.Namespace, e.Topic, e.Event);
}

/// <summary>Snapshot of the event log: the last number seen of every source that may tell again, and how large the history is.</summary>
public sealed record EventSources(IReadOnlyDictionary<string, long> Last, ImmutableArray<EventStretch> Stretches);
