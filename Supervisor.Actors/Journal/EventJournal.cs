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

    public static Supervisor.Journal.V1.EventSources ToProto(Events.EventSources sources) => new()
    {
        Last = { sources.Last.ToDictionary() },
        Stretches = { sources.Stretches.Select(s => new Supervisor.Journal.V1.EventStretch { First = s.First, At = s.At.ToTimestamp(), Bytes = s.Bytes }) },
    };

    public static Events.EventSources FromProto(Supervisor.Journal.V1.EventSources sources) => new(
        sources.Last.ToDictionary(), [.. sources.Stretches.Select(s => new Events.EventStretch(s.First, s.At.ToDateTimeOffset(), s.Bytes))]);

    public static PublishEvent FromProto(EventEntry entry) =>
        new(entry.Source, entry.SourceNumber, entry.At.ToDateTimeOffset(), entry.Namespace, entry.Topic, entry.Event);
}
