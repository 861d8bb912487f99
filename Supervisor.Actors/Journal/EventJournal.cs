using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;
using Supervisor.Journal.V1;

namespace Supervisor.Actors.Journal;

/// <summary>The event log's entries as journal/v1/events.proto. Whether an answer is wanted is not journalled.</summary>
internal static class EventJournal
{
    public static EventEntry ToProto(PublishEvent e) => new()
    {
        Source = e.Source, SourceNumber = e.SourceNumber, At = e.At.ToTimestamp(), Namespace = e.Namespace, Topic = e.Topic, Event = e.Event,
    };

    public static PublishEvent FromProto(EventEntry entry) =>
        new(entry.Source, entry.SourceNumber, entry.At.ToDateTimeOffset(), entry.Namespace, entry.Topic, entry.Event);
}
