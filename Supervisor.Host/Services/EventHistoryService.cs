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
        if (request.From > 0 && request.Since is not null)
            throw new InvalidFieldException("since", "is instead of from: give one of them");
        return history.FollowAsync(
            new EventFollowing.Range(request.From, Time("since", request.Since), Time("until", request.Until)),
            EventFollowing.Parse(request.Filters),
            (e, cancel) => responseStream.WriteAsync(
                new Event { Number = e.Number, Previous = e.Previous, Timestamp = e.At.ToTimestamp(), Namespace = e.Namespace,
                    Topic = e.Topic, Event_ = e.Event }, cancel),
            context);
    }

    private static DateTimeOffset? Time(string field, Timestamp? time)
    {
        try
        {
            return time?.ToDateTimeOffset();
        }
        catch (InvalidOperationException)
        {
            throw new InvalidFieldException(field, "is not a time from the year 1 to 9999, with nanoseconds below 1,000,000,000");
        }
    }
}
