using Akka.Actor;
using Akka.Event;
using Supervisor.Actors.Persistence;
using Supervisor.Persistence.Sqlite.Journal;

namespace Supervisor.Actors.Events;

/// <summary>
/// Publishes what is journalled, in the order of the journal, on the actor system's event stream. An event waits here until its
/// actor has applied it: a subscriber that sees an exit finds the task stopped.
/// </summary>
/// <remarks>
/// <code>
///   journal ── Committed, in order ──▶ waiting ──▶ event stream
///   actors  ── EventApplied ───────────────┘ (head first)
/// </code>
/// An actor that failed between the two does not report; then its event is published after <see cref="ApplyWithin"/>. The
/// creator of this actor sends the first <see cref="TaggedEvents.Subscribe"/> to the journal before it creates actors that
/// journal events.
/// </remarks>
public sealed class EventPublisherActor : UntypedActor, IWithTimers, IWithStash
{
    private static readonly TimeSpan ApplyWithin = TimeSpan.FromSeconds(2);

    private readonly IActorRef _journal = Akka.Persistence.Persistence.Instance.Apply(Context.System).JournalFor("");
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<Waiting> _waiting = [];
    private readonly Dictionary<(string PersistenceId, long SequenceNr), Waiting> _bySource = [];
    private long _begin, _last;

    private sealed record CheckHead(long Offset);

    private sealed class Waiting(TaggedEvent @event)
    {
        public TaggedEvent Event { get; } = @event;
        public bool IsApplied { get; set; }
    }

    /// <summary>Set by Akka.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Set by Akka.</summary>
    public IStash Stash { get; set; } = null!;

    /// <summary>How to create one.</summary>
    public static Props Props() => Akka.Actor.Props.Create(() => new EventPublisherActor());

    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        _journal.Tell(TaggedEvents.Subscribe.Instance);
    }

    /// <summary>Until the journal is open.</summary>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case TaggedEvents.Subscribed subscribed:
                (_begin, _last) = (subscribed.Bounds.Next, subscribed.Bounds.Last);
                Become(Publishing);
                Stash.UnstashAll();
                break;
            case TaggedEvents.Failed failed:
                Context.System.EventStream.Publish(new JournalLost("events", failed.Cause));
                break;
            default:
                Stash.Stash();
                break;
        }
    }

    private void Publishing(object message)
    {
        switch (message)
        {
            case TaggedEvents.Committed committed:
                foreach (var e in committed.Events)
                    if (e.Offset > _last) Enqueue(e); // an event committed with the subscription may come twice
                break;
            case EventApplied applied when _bySource.TryGetValue((applied.PersistenceId, applied.SequenceNr), out var waiting):
                waiting.IsApplied = true;
                PublishApplied();
                break;
            case EventApplied:
                break; // it was overdue
            case CheckHead check:
                if (_waiting.TryPeek(out var head) && head.Event.Offset == check.Offset)
                {
                    _log.Warning("event {0} of {1} was not applied within {2} s, publishing it", head.Event.Offset,
                        head.Event.PersistenceId, ApplyWithin.TotalSeconds);
                    head.IsApplied = true;
                    PublishApplied();
                }
                WatchHead();
                break;
            case AskHistoryPlace:
                Sender.Tell(new HistoryPlace(_begin, _last));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Enqueue(TaggedEvent e)
    {
        var waiting = new Waiting(e);
        _waiting.Enqueue(waiting);
        _bySource[(e.PersistenceId, e.SequenceNr)] = waiting;
        if (!Timers.IsTimerActive(nameof(CheckHead))) WatchHead();
    }

    private void PublishApplied()
    {
        while (_waiting.TryPeek(out var head) && head.IsApplied)
        {
            _waiting.Dequeue();
            _bySource.Remove((head.Event.PersistenceId, head.Event.SequenceNr));
            var published = EventMappers.Map(head.Event);
            Failpoint.Pass("before", $"publish {published.Topic}");
            _last = published.Number;
            Context.System.EventStream.Publish(published);
            Failpoint.Pass("after", $"publish {published.Topic}");
        }
    }

    private void WatchHead()
    {
        if (_waiting.TryPeek(out var head))
            Timers.StartSingleTimer(nameof(CheckHead), new CheckHead(head.Event.Offset), ApplyWithin);
    }
}
