using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

/// <summary>A path that nobody answers to: what is told to it becomes a dead letter.</summary>
public class EmptyLocalActorRef(IActorRefProvider provider, ActorPath path, EventStream eventStream) : MinimalActorRef
{
    public override ActorPath Path { get; } = path;
    public override IActorRefProvider Provider { get; } = provider;
    internal EventStream EventStream { get; } = eventStream;

    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is DeadLetter letter) SpecialHandle(letter.Message, letter.Sender);
        else if (!SpecialHandle(message, sender)) Publish(message, sender, this);
    }

    private protected void Publish(object message, IActorRef sender, IActorRef recipient) =>
        EventStream.Publish(message is IDeadLetterSuppression
            ? new SuppressedDeadLetter(message, sender ?? Provider.DeadLetters, recipient)
            : new DeadLetter(message, sender ?? Provider.DeadLetters, recipient));

    public override void SendSystemMessage(ISystemMessage message) => SpecialHandle(message, Provider.DeadLetters);

    protected virtual bool SpecialHandle(object message, IActorRef sender)
    {
        switch (message)
        {
            case Watch w:
                // A watcher of the dead is told at once.
                if (!Equals(w.Watchee, w.Watcher))
                    w.Watcher.SendSystemMessage(new DeathWatchNotification(w.Watchee, existenceConfirmed: false, addressTerminated: false));
                return true;
            case ISystemMessage:
                return true;
            case Identify identify:
                sender?.Tell(new ActorIdentity(identify.MessageId, null), this);
                return true;
            case ActorSelectionMessage selection:
                if (selection.Message is Identify identify2)
                {
                    if (!selection.WildCardFanOut) sender?.Tell(new ActorIdentity(identify2.MessageId, null), this);
                }
                else Publish(selection.Message, sender, this);
                return true;
            default:
                return false;
        }
    }
}

public class DeadLetterActorRef(IActorRefProvider provider, ActorPath path, EventStream eventStream)
    : EmptyLocalActorRef(provider, path, eventStream)
{
    protected override void TellInternal(object message, IActorRef sender)
    {
        switch (message)
        {
            case DeadLetter letter:
                if (!SpecialHandle(letter.Message, letter.Sender))
                {
                    if (letter.Message is IDeadLetterSuppression) Publish(letter.Message, letter.Sender, letter.Recipient);
                    else EventStream.Publish(letter);
                }
                break;
            case AllDeadLetters other:
                EventStream.Publish(other);
                break;
            default:
                if (!SpecialHandle(message, sender)) Publish(message, sender, this);
                break;
        }
    }
}
