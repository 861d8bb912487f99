using Akka.Actor;
using Containerd.Services.Events.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Events;
using Supervisor.Actors.Identity;
using Envelope = Containerd.Services.Events.V1.Envelope;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.events.v1.</summary>
public sealed class EventsService(
    SupervisorSystem system, EventFollowing history, MissedExitReplay missedExits, TimeProvider clock)
    : Events.EventsBase
{
    /// <summary>Most bytes in the body of a client's own event.</summary>
    public const int MaximumEventSize = 1 << 20;

    /// <inheritdoc/>
    public override async Task<Empty> Publish(PublishRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        await PublishAsync(clock.GetUtcNow(), @namespace, EventTopic.Check(request.Topic, "topic"), request.Event, "event",
            context);
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
    /// New events. The subscription is established when the response's headers arrive, which is before the first event:
    /// containerd gives its clients no such signal. Soon after the daemon's start, see <see cref="MissedExitReplay"/>.
    /// </summary>
    public override async Task Subscribe(
        SubscribeRequest request, IServerStreamWriter<Envelope> responseStream, ServerCallContext context)
    {
        var filters = EventFollowing.Parse(request.Filters);
        var before = await missedExits.PlaceAsync(request.Filters, context.CancellationToken);
        await history.FollowAsync(new(before?.Begin ?? 0, null, null), filters, Write, context);

        Task Write(PublishedEvent e, CancellationToken cancel) =>
            e.Number <= before?.Last && !MissedExitReplay.IsEnd(e)
                ? Task.CompletedTask : responseStream.WriteAsync(ToEnvelope(e), cancel);
    }

    private async Task PublishAsync(
        DateTimeOffset at, string @namespace, string topic, Any? body, string field, ServerCallContext context)
    {
        if (body is null) throw new InvalidFieldException(field, "must be set");
        if (body.CalculateSize() > MaximumEventSize)
            throw new InvalidFieldException(field, $"{body.CalculateSize()} bytes long, at most {MaximumEventSize} are allowed");
        await system.ClientEvents.Ask<ClientEventsActor.Accepted>(
            new ClientEvent(at, @namespace, topic, body), context.TimeLeft(clock), context.CancellationToken);
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

    private static Envelope ToEnvelope(PublishedEvent @event) => new()
    {
        Timestamp = @event.At.ToTimestamp(),
        Namespace = @event.Namespace,
        Topic = @event.Topic,
        Event = @event.Event,
    };
}
