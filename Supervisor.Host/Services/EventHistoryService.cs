using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Identity;
using Supervisor.V1;

namespace Supervisor.Host.Services;

/// <summary>supervisor.v1.Events: the numbered history, readable from any number, for resuming.</summary>
public sealed class EventHistoryService(EventFollowing history) : Events.EventsBase
{
    /// <inheritdoc/>
    public override Task Subscribe(
        EventsSubscribeRequest request, IServerStreamWriter<Event> responseStream, ServerCallContext context)
    {
        if (request.From < 0) throw new InvalidFieldException("from", "must not be negative");
        return history.FollowAsync(
            request.From, EventFollowing.Parse(request.Filters),
            (e, cancel) => responseStream.WriteAsync(
                new Event { Number = e.Number, Previous = e.Previous, Timestamp = e.At.ToTimestamp(), Namespace = e.Namespace,
                    Topic = e.Topic, Event_ = e.Event }, cancel),
            context);
    }
}
