using Akka.Actor;

namespace Akka.Persistence;

/// <summary>
/// Commands that wait while events are written, apart from the actor's own stash. They go back in front of the mailbox,
/// oldest first: one after each command that has been handled, or all when the actor fails.
/// </summary>
internal sealed class InternalStash(ActorCell cell, int capacity)
{
    private readonly Queue<Envelope> _waiting = [];

    /// <returns>False when it is full.</returns>
    public bool TryStash(object message, IActorRef sender)
    {
        if (capacity >= 0 && _waiting.Count >= capacity) return false;
        _waiting.Enqueue(new Envelope(message, sender));
        return true;
    }

    public void Unstash()
    {
        if (_waiting.TryDequeue(out var oldest)) ToFront(oldest);
    }

    public void UnstashAll()
    {
        foreach (var envelope in _waiting.Reverse()) ToFront(envelope);
        _waiting.Clear();
    }

    private void ToFront(Envelope envelope) => Actor.Internal.AbstractStash.ToFront(cell, envelope);
}
