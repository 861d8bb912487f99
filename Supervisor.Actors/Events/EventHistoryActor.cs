using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;

namespace Supervisor.Actors.Events;

/// <summary>
/// One reader's place in the history: what it has missed comes from the journal, what happens now comes from the event
/// stream, and no event comes twice or not at all. Holds at most a window of events, however slow the reader.
/// </summary>
/// <remarks>
/// <code>
///   up to date:  published ──▶ queue (≤ window) ──▶ Page        queue full: behind, and nothing is queued any more
///   behind:      Pull ──▶ journal, from the next number, ≤ window ──▶ Page      nothing left there: up to date again
/// </code>
/// </remarks>
public sealed class EventHistoryActor : UntypedActor
{
    private readonly int _window;
    private readonly IActorRef _journal;
    private readonly List<PublishedEvent> _queue = [], _page = [];
    private long _next;      // the first number that has not been handed out or queued; 0 while any will do
    private long _highest;   // the last number known to be published
    private bool _first, _reading;
    private IActorRef? _asker;

    /// <param name="from">The first number wanted; 0 for what comes from now on.</param>
    /// <param name="window">Events that are held for the reader.</param>
    public EventHistoryActor(long from, int window)
    {
        (_next, _window, _first) = (from, window, from > 0);
        _journal = Akka.Persistence.Persistence.Instance.Apply(Context.System).JournalFor("");
    }

    /// <summary>How to make one.</summary>
    public static Props Props(long from, int window) => Akka.Actor.Props.Create(() => new EventHistoryActor(from, window));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(PublishedEvent));
        base.PreStart();
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        base.PostStop();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case EventHistory.Stand stand:
                Sender.Tell(stand);
                break;
            case PublishedEvent published:
                Take(published);
                break;
            case EventHistory.Pull:
                _asker = Sender;
                Give();
                break;
            case ReplayedMessage { Persistent: { Payload: PublishEvent e, SequenceNr: var number } }:
                _page.Add(new PublishedEvent(number, e.At, e.Namespace, e.Topic, e.Event));
                break;
            case ReplayedMessage:
                break;
            case RecoverySuccess done:
                Finish(done.HighestSequenceNr);
                break;
            case ReplayMessagesFailure failed:
                End($"the journal cannot be read: {failed.Cause.Message}", outOfRange: false);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private bool IsBehind => _first || _next > 0 && _highest >= _next;

    private void Take(PublishedEvent published)
    {
        var wasBehind = IsBehind;
        _highest = Math.Max(_highest, published.Number);
        if (_next == 0) _next = published.Number;
        if (wasBehind || _reading || published.Number != _next || _queue.Count >= _window) return; // it is read from the journal, in its turn
        _queue.Add(published);
        _next = published.Number + 1;
        Give();
    }

    private void Give()
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
            _journal.Tell(new ReplayMessages(_next, long.MaxValue, _window, "events", Self));
        }
    }

    private void Finish(long highest)
    {
        _reading = false;
        var isFirst = _first;
        _first = false;
        _highest = Math.Max(_highest, highest);
        if (_page is [var head, ..] && head.Number > _next)
            End($"the history begins at number {head.Number}, {_next} is no longer kept", outOfRange: true);
        else if (_page.Count == 0 && isFirst && _next > _highest + 1)
            End($"the history ends at number {_highest}: there is no {_next} yet", outOfRange: true);
        else if (_page.Count == 0 && _highest >= _next)
            End($"number {_next} is no longer kept", outOfRange: true);
        else if (_page.Count > 0)
        {
            _next = _page[^1].Number + 1;
            _asker!.Tell(new EventHistory.Page([.. _page]));
            _asker = null;
        }
        _page.Clear();
    }

    private void End(string reason, bool outOfRange)
    {
        _asker?.Tell(new EventHistory.Ended(reason, outOfRange));
        Context.Stop(Self);
    }
}
