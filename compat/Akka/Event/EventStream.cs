using Akka.Actor;

namespace Akka.Event;

/// <summary>The system's own bus: subscribe to a class or an interface, get all events of that type.</summary>
public class EventStream : LoggingBus
{
    public EventStream(bool debug) { }

    private IActorRef _unsubscriber;

    /// <returns>False when an earlier subscription covers this one.</returns>
    public override bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        _unsubscriber?.Tell(new Unsubscriber.Register(subscriber), ActorRefs.NoSender);
        return base.Subscribe(subscriber, channel);
    }

    public override bool Unsubscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        var removed = base.Unsubscribe(subscriber, channel);
        if (!HasSubscriptions(subscriber)) _unsubscriber?.Tell(new Unsubscriber.Forget(subscriber), ActorRefs.NoSender);
        return removed;
    }

    public override bool Unsubscribe(IActorRef subscriber)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        var removed = base.Unsubscribe(subscriber);
        _unsubscriber?.Tell(new Unsubscriber.Forget(subscriber), ActorRefs.NoSender);
        return removed;
    }

    public void StartUnsubscriber(Actor.Internal.ActorSystemImpl system) =>
        _unsubscriber = system.SystemActorOf(Props.Create(() => new Unsubscriber(this)), "eventStreamUnsubscriber");

    /// <summary>A subscriber that dies is unsubscribed.</summary>
    private sealed class Unsubscriber : ReceiveActor
    {
        public sealed record Register(IActorRef Subscriber);
        public sealed record Forget(IActorRef Subscriber);

        public Unsubscriber(EventStream stream)
        {
            Receive<Register>(m => { if (m.Subscriber is LocalActorRef) Context.Watch(m.Subscriber); });
            Receive<Forget>(m => { if (!stream.HasSubscriptions(m.Subscriber)) Context.Unwatch(m.Subscriber); });
            Receive<Terminated>(m => stream.Unsubscribe(m.ActorRef));
        }
    }
}

public static class EventStreamExtensions
{
    public static bool Subscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) => eventStream.Subscribe(subscriber, typeof(TChannel));
}
