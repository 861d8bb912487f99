using Akka.Actor;

namespace Akka.TestKit;

public abstract class MessageEnvelope
{
    public abstract object Message { get; }
    public abstract IActorRef Sender { get; }
}

public class RealMessageEnvelope(object message, IActorRef sender) : MessageEnvelope
{
    public override object Message { get; } = message;
    public override IActorRef Sender { get; } = sender;
    public override string ToString() => $"<{Message}> from {(Sender.IsNobody() ? "NoSender" : Sender.ToString())}";
}

public sealed class NullMessageEnvelope : MessageEnvelope
{
    public static NullMessageEnvelope Instance = new();
    private NullMessageEnvelope() { }
    public override object Message => throw new IllegalActorStateException("last receive did not dequeue a message");
    public override IActorRef Sender => throw new IllegalActorStateException("last receive did not dequeue a message");
    public override string ToString() => "<null> from NoSender";
}
