using System.Threading.Channels;
using Akka.Actor;
using Supervisor.Actors.Events;
using Supervisor.Host.Filters;

namespace Supervisor.Host.Services;

/// <summary>
/// One subscriber's place on the event stream: passes what matches into the subscriber's own bounded channel, so that
/// a slow reader delays nobody. When the channel is full it is closed; nothing is dropped from its middle.
/// </summary>
internal sealed class EventSubscriber(ChannelWriter<PublishedEvent> writer, FilterSet filters) : UntypedActor
{
    public static Props Props(ChannelWriter<PublishedEvent> writer, FilterSet filters) =>
        Akka.Actor.Props.Create(() => new EventSubscriber(writer, filters));

    protected override void OnReceive(object message)
    {
        if (message is not PublishedEvent @event) { Unhandled(message); return; }
        if (!filters.Matches(EventFields.Of(@event)) || writer.TryWrite(@event)) return;
        writer.TryComplete(new SubscriberTooSlowException());
        Context.Stop(Self);
    }

    protected override void PostStop()
    {
        writer.TryComplete();
        base.PostStop();
    }
}

/// <summary>A subscriber's channel was full.</summary>
internal sealed class SubscriberTooSlowException() : Exception("the subscriber reads more slowly than events are published");
