using Akka.Actor;
using Supervisor.Actors.Persistence;
using Supervisor.Persistence.Sqlite.Journal;

namespace Supervisor.Actors.Events;

/// <summary>
/// One reader's place in the history: past events come from the journal, new ones from the event stream, each exactly once.
/// Holds at most a window of events, however slow the reader.
/// </summary>
/// <remarks>
/// <code>
///   up to date:  published ──▶ queue (≤ window) ──▶ Page        queue full: behind, and nothing is queued any more
///   behind:      Pull ──▶ journal, after the last event, ≤ window ──▶ Page      nothing left there: up to date again
/// </code>
/// </remarks>
public sealed class EventHistoryActor : UntypedActor, IWithStash
{
    private readonly int _window;
    private readonly IActorRef _journal = Akka.Persistence.Persistence.Instance.Apply(Context.System).JournalFor("");
    private readonly IActorRef _publisher;
    private readonly List<PublishedEvent> _queue = [];
    private readonly DateTime? _since;
    private long _from;
    private long _last;      // everything up to this number is delivered, queued or not wanted
    private long _published; // the last number known to be published
    private long _through;   // how far the journal is being read
    private bool _hasRead, _reading;
    private IActorRef? _asker;
    private string? _failure; // to find the time

    /// <param name="publisher">The <see cref="EventPublisherActor"/>.</param>
    /// <param name="from">The first number wanted; 0: only new events.</param>
    /// <param name="window">Most events held for the reader.</param>
    /// <param name="since">In UTC, instead of a number: all events from then on, and some before; null for a number.</param>
    public EventHistoryActor(IActorRef publisher, long from, int window, DateTime? since) =>
        (_publisher, _from, _window, _since) = (publisher, from, window, since);

    /// <summary>Set by Akka.</summary>
    public IStash Stash { get; set; } = null!;

    /// <summary>How to create one.</summary>
    public static Props Props(IActorRef publisher, long from, int window, DateTime? since = null) =>
        Akka.Actor.Props.Create(() => new EventHistoryActor(publisher, from, window, since));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(PublishedEvent));
        _publisher.Tell(AskHistoryPlace.Instance);
        base.PreStart();
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        base.PostStop();
    }

    /// <summary>Until the end of the history, and the place of a time in it, are known.</summary>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case HistoryPlace place when _since is { } since:
                _published = place.Last;
                _journal.Tell(new TaggedEvents.Find(since));
                break;
            case HistoryPlace place:
                Follow(place.Last);
                break;
            case TaggedEvents.Place found:
                _from = found.Offset;
                Follow(_published);
                break;
            case TaggedEvents.Failed failed:
                _failure = failed.Cause.Message;
                Follow(_published);
                break;
            default:
                Stash.Stash();
                break;
        }
    }

    private void Follow(long published)
    {
        _published = published;
        _last = _from > 0 ? _from - 1 : published;
        Become(Following);
        Stash.UnstashAll();
    }

    private void Following(object message)
    {
        switch (message)
        {
            case EventHistory.Establish:
                Sender.Tell(new EventHistory.Established(_from > 0 ? _from : _last + 1, _published));
                break;
            case PublishedEvent published:
                Take(published);
                break;
            case EventHistory.Pull:
                _asker = Sender;
                if (_failure is { } failure) End(failure);
                else SendPage();
                break;
            case TaggedEvents.Page page:
                Finish(page);
                break;
            case TaggedEvents.Failed failed:
                End(failed.Cause.Message);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <summary>Also the first state: the reader's number must be found in the journal.</summary>
    private bool IsBehind => _published > _last || (_from > 0 && !_hasRead);

    private void Take(PublishedEvent published)
    {
        var wasBehind = IsBehind;
        if (published.Number <= _published) return;
        _published = published.Number;
        if (wasBehind || _reading || _queue.Count >= _window) return; // it is read from the journal later
        _queue.Add(published);
        _last = published.Number;
        SendPage();
    }

    private void SendPage()
    {
        if (_asker is not { } asker || _reading) return;
        if (_queue.Count > 0)
        {
            _asker = null;
            asker.Tell(new EventHistory.Page([.. _queue]));
            _queue.Clear();
        }
        else if (IsBehind)
        {
            _reading = true;
            // Not beyond what is published: readers must not see an event that its actor has not applied.
            _through = Math.Max(_published, _last);
            _journal.Tell(new TaggedEvents.Read(JournalConfig.PublishedTag, _last, _through, _window));
        }
    }

    private void Finish(TaggedEvents.Page page)
    {
        var isFirst = !_hasRead;
        (_reading, _hasRead) = (false, true);
        if (page.Events is [var head, ..] ? head.Previous > _last : page.Bounds.First > _last + 1)
        {
            End(isFirst
                ? $"the history begins at number {page.Bounds.First}, {_last + 1} is no longer kept"
                : $"number {_last + 1} is no longer kept", outOfRange: true);
        }
        else if (isFirst && _from > page.Bounds.Next)
        {
            End($"the history ends at number {page.Bounds.Last}: there is no {_from} yet", outOfRange: true);
        }
        else if (page.Events is [.., var last])
        {
            _last = last.Offset;
            _asker!.Tell(new EventHistory.Page([.. page.Events.Select(EventMappers.Map)]));
            _asker = null;
        }
        else
        {
            _last = _through; // no events up to the number asked for; those published since are read next
            SendPage();
        }
    }

    private void End(string failure) => End($"the journal cannot be read: {failure}", outOfRange: false);

    private void End(string reason, bool outOfRange)
    {
        _asker?.Tell(new EventHistory.Ended(reason, outOfRange));
        Context.Stop(Self);
    }
}
