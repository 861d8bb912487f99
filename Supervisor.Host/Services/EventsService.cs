using System.Threading.Channels;
using Akka.Actor;
using Containerd.Services.Events.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Events;
using Supervisor.Actors.Identity;
using Supervisor.Host.Filters;
using Supervisor.Host.Hosting;
using Envelope = Containerd.Services.Events.V1.Envelope;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.events.v1.</summary>
public sealed class EventsService(SupervisorSystem system, DaemonLifetime lifetime, TimeProvider clock) : Events.EventsBase
{
    /// <summary>Events a subscriber may be behind; then its stream ends with RESOURCE_EXHAUSTED.</summary>
    public const int SubscriberBacklog = 65_536;

    /// <summary>Bytes of the body of a client's own event.</summary>
    public const int MaximumEventSize = 1 << 20;

    /// <inheritdoc/>
    public override async Task<Empty> Publish(PublishRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        await PublishAsync(clock.GetUtcNow(), @namespace, EventTopic.Check(request.Topic, "topic"), request.Event, "event", context);
        return new Empty();
    }

    /// <summary>The envelope must be complete.</summary>
    public override async Task<Empty> Forward(ForwardRequest request, ServerCallContext context)
    {
        var envelope = request.Envelope ?? throw new InvalidFieldException("envelope", "must be set");
        var @namespace = Identifier.Check(envelope.Namespace, "envelope.namespace");
        var topic = EventTopic.Check(envelope.Topic, "envelope.topic");
        await PublishAsync(Time(envelope.Timestamp), @namespace, topic, envelope.Event, "envelope.event", context);
        return new Empty();
    }

    /// <summary>
    /// Events from now on. The subscription stands when the response's headers arrive, which is before the first event:
    /// containerd gives its clients no such sign.
    /// </summary>
    public override async Task Subscribe(SubscribeRequest request, IServerStreamWriter<Envelope> responseStream, ServerCallContext context)
    {
        var filters = Parse(request);
        var channel = Channel.CreateBounded<PublishedEvent>(new BoundedChannelOptions(SubscriberBacklog)
        {
            FullMode = BoundedChannelFullMode.Wait,
            SingleReader = true,
            SingleWriter = true,
        });
        var subscriber = system.System.ActorOf(EventSubscriber.Props(channel.Writer, filters));
        try
        {
            system.System.EventStream.Subscribe(subscriber, typeof(PublishedEvent));
            using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.Stopping);
            await context.WriteResponseHeadersAsync([]);
            await PumpAsync(channel.Reader, responseStream, either.Token);
        }
        finally
        {
            system.System.EventStream.Unsubscribe(subscriber, typeof(PublishedEvent));
            system.System.Stop(subscriber);
        }
    }

    internal static async Task PumpAsync(ChannelReader<PublishedEvent> events, IServerStreamWriter<Envelope> stream, CancellationToken cancel)
    {
        var last = 0L;
        try
        {
            await foreach (var @event in events.ReadAllAsync(cancel))
            {
                await stream.WriteAsync(ToEnvelope(@event), cancel);
                last = @event.Number;
            }
        }
        catch (SubscriberTooSlowException)
        {
            throw GrpcTranslation.Refuse(
                StatusCode.ResourceExhausted,
                $"more than {SubscriberBacklog} events behind: the last one sent is number {last}, subscribe again and read faster");
        }
        // The actor ended without a cause of its own: its system did.
        throw GrpcTranslation.Refuse(StatusCode.Unavailable, "the daemon is stopping");
    }

    private async Task PublishAsync(DateTimeOffset at, string @namespace, string topic, Any? body, string field, ServerCallContext context)
    {
        if (body is null) throw new InvalidFieldException(field, "must be set");
        if (body.CalculateSize() > MaximumEventSize)
            throw new InvalidFieldException(field, $"{body.CalculateSize()} bytes long, at most {MaximumEventSize} are allowed");
        var order = new PublishEvent("", 0, at, @namespace, topic, body, WantsAnswer: true);
        await system.EventLog.Ask<PublishedEvent>(order, context.TimeLeft(clock), context.CancellationToken);
    }

    private static DateTimeOffset Time(Timestamp? timestamp)
    {
        try
        {
            return (timestamp ?? throw new InvalidFieldException("envelope.timestamp", "must be set")).ToDateTimeOffset();
        }
        catch (InvalidOperationException)
        {
            throw new InvalidFieldException("envelope.timestamp", "outside the years 1 to 9999");
        }
    }

    /// <summary>containerd answers UNKNOWN here, and INVALID_ARGUMENT everywhere else.</summary>
    private static FilterSet Parse(SubscribeRequest request)
    {
        try
        {
            return FilterSet.Parse(request.Filters);
        }
        catch (FilterSyntaxException e)
        {
            throw GrpcTranslation.Refuse(StatusCode.Unknown, $"subscription error: failed parsing subscription filters: {e.Message}");
        }
    }

    private static Envelope ToEnvelope(PublishedEvent @event) => new()
    {
        Timestamp = @event.At.ToTimestamp(),
        Namespace = @event.Namespace,
        Topic = @event.Topic,
        Event = @event.Event,
    };
}
