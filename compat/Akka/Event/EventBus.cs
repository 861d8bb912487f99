using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Event;

/// <summary>Subscribers by classifier; a subscriber gets an event once even when several of its classifiers fit.</summary>
public abstract class EventBus<TEvent, TClassifier, TSubscriber>
{
    private readonly Lock _lock = new();
    private readonly List<(TClassifier Classifier, TSubscriber Subscriber)> _subscriptions = [];
    private ConcurrentDictionary<TClassifier, TSubscriber[]> _cache = new();

    protected string SimpleName(object source) => SimpleName(source.GetType());
    protected string SimpleName(Type source) => source.Name;

    public virtual bool Subscribe(TSubscriber subscriber, TClassifier classifier)
    {
        lock (_lock)
        {
            if (_subscriptions.Any(s => s.Subscriber.Equals(subscriber) && IsSubClassification(s.Classifier, classifier))) return false;
            _subscriptions.RemoveAll(s => s.Subscriber.Equals(subscriber) && IsSubClassification(classifier, s.Classifier));
            _subscriptions.Add((classifier, subscriber));
            _cache = new();
            return true;
        }
    }

    public virtual bool Unsubscribe(TSubscriber subscriber)
    {
        lock (_lock) return Removed(_subscriptions.RemoveAll(s => s.Subscriber.Equals(subscriber)));
    }

    public virtual bool Unsubscribe(TSubscriber subscriber, TClassifier classifier)
    {
        lock (_lock) return Removed(_subscriptions.RemoveAll(s => s.Subscriber.Equals(subscriber) && IsSubClassification(classifier, s.Classifier)));
    }

    private bool Removed(int count)
    {
        if (count > 0) _cache = new();
        return count > 0;
    }

    internal bool HasSubscriptions(TSubscriber subscriber) { lock (_lock) return _subscriptions.Any(s => s.Subscriber.Equals(subscriber)); }

    public virtual void Publish(TEvent @event)
    {
        var classifier = GetClassifier(@event);
        if (!Volatile.Read(ref _cache).TryGetValue(classifier, out var subscribers))
            lock (_lock)
                _cache[classifier] = subscribers = [.. _subscriptions.Where(s => Classify(@event, s.Classifier)).Select(s => s.Subscriber).Distinct()];
        foreach (var subscriber in subscribers) Publish(@event, subscriber);
    }

    protected abstract void Publish(TEvent @event, TSubscriber subscriber);
    protected abstract bool IsSubClassification(TClassifier parent, TClassifier child);
    protected abstract bool Classify(TEvent @event, TClassifier classifier);
    protected abstract TClassifier GetClassifier(TEvent @event);
}

public abstract class ActorEventBus<TEvent, TClassifier> : EventBus<TEvent, TClassifier, IActorRef>;

/// <summary>The system's own bus: subscribe to a class or an interface, get all events of that type.</summary>
public class EventStream(bool debug) : LoggingBus
{
    private IActorRef _unsubscriber;

    /// <returns>False when an earlier subscription covers this one.</returns>
    public override bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        _unsubscriber?.Tell(new Unsubscriber.Register(subscriber), ActorRefs.NoSender);
        if (debug) Publish(new Debug(SimpleName(this), GetType(), "subscribing " + subscriber + " to channel " + channel));
        return base.Subscribe(subscriber, channel);
    }

    public override bool Unsubscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        var removed = base.Unsubscribe(subscriber, channel);
        if (debug) Publish(new Debug(SimpleName(this), GetType(), "unsubscribing " + subscriber + " from channel " + channel));
        if (!HasSubscriptions(subscriber)) _unsubscriber?.Tell(new Unsubscriber.Forget(subscriber), ActorRefs.NoSender);
        return removed;
    }

    public override bool Unsubscribe(IActorRef subscriber)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        var removed = base.Unsubscribe(subscriber);
        if (debug) Publish(new Debug(SimpleName(this), GetType(), "unsubscribing " + subscriber + " from all channels"));
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
    public static bool Unsubscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) => eventStream.Unsubscribe(subscriber, typeof(TChannel));
}
