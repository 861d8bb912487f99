using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

public partial class ActorCell
{
    // Value: the message of WatchWith, or null for a plain Terminated.
    private Dictionary<IActorRef, object> _watching;
    private Dictionary<IActorRef, object> _terminatedQueued;
    private HashSet<IActorRef> _watchedBy;

    public IActorRef Watch(IActorRef subject) => WatchWithMessage(subject, null);
    public IActorRef WatchWith(IActorRef subject, object message) =>
        WatchWithMessage(subject, message ?? throw new ArgumentNullException(nameof(message), "message must not be null"));

    private IActorRef WatchWithMessage(IActorRef subject, object message)
    {
        if (subject.Equals(Self)) return subject;
        _watching ??= [];
        if (_watching.TryGetValue(subject, out var previous))
        {
            if (!Equals(previous, message))
                throw new InvalidOperationException($"Watch(termination message) of {subject} with [{message ?? "Terminated"}] while already watching it with [{previous ?? "Terminated"}]: unwatch first");
            return subject;
        }
        _watching.Add(subject, message);
        ((IInternalActorRef)subject).SendSystemMessage(new Watch((IInternalActorRef)subject, _self));
        return subject;
    }

    public IActorRef Unwatch(IActorRef subject)
    {
        if (subject.Equals(Self)) return subject;
        if (_watching is not null && _watching.Remove(subject))
            ((IInternalActorRef)subject).SendSystemMessage(new Unwatch((IInternalActorRef)subject, _self));
        _terminatedQueued?.Remove(subject);
        return subject;
    }

    /// <summary>The user message: delivered once, and not at all after Unwatch.</summary>
    protected void ReceivedTerminated(Terminated t)
    {
        if (_terminatedQueued is not null && _terminatedQueued.Remove(t.ActorRef, out var message)) ReceiveMessage(message ?? t);
    }

    /// <summary>A Terminated that an actor has put aside goes through the mailbox once more.</summary>
    internal void TerminatedQueuedAgain(Terminated t) => (_terminatedQueued ??= [])[t.ActorRef] = null;

    private void WatchedActorTerminated(DeathWatchNotification death)
    {
        var actor = death.Actor;
        if (_watching is not null && _watching.Remove(actor, out var message) && ChildrenOrNull is not { IsTerminating: true })
        {
            (_terminatedQueued ??= [])[actor] = message;
            Self.Tell(new Terminated(actor, death.ExistenceConfirmed, death.AddressTerminated), actor);
        }
        if (ChildrenOrNull is { } children && children.TryGet(actor, out _)) HandleChildTerminated(actor);
    }

    private void AddWatcher(IInternalActorRef watchee, IInternalActorRef watcher)
    {
        if (watchee.Equals(Self) && !watcher.Equals(Self)) (_watchedBy ??= []).Add(watcher);
    }

    private void RemoveWatcher(IInternalActorRef watchee, IInternalActorRef watcher)
    {
        if (watchee.Equals(Self)) _watchedBy?.Remove(watcher);
    }

    private void TellWatchersWeDied()
    {
        if (_watchedBy is not { } watchers) return;
        _watchedBy = null;
        foreach (var watcher in watchers)
            if (!watcher.Equals(Parent)) // told already, as the parent
                ((IInternalActorRef)watcher).SendSystemMessage(new DeathWatchNotification(Self, existenceConfirmed: true, addressTerminated: false));
    }

    private void UnwatchWatchedActors()
    {
        _terminatedQueued = null;
        if (_watching is not { } watched) return;
        _watching = null;
        foreach (var subject in watched.Keys)
            ((IInternalActorRef)subject).SendSystemMessage(new Unwatch((IInternalActorRef)subject, _self));
    }
}
