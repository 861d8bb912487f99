using Google.Protobuf.WellKnownTypes;
using Supervisor.Journal.V1;

namespace Supervisor.Actors.Events;

/// <summary>Clients' events as journal/v1/events.proto; also the events migrated from the first format's event log.</summary>
internal static class ClientEventJournal
{
    public static EventEntry ToProto(ClientEvent e) =>
        new() { At = e.At.ToTimestamp(), Namespace = e.Namespace, Topic = e.Topic, Event = e.Event };

    public static ClientEvent FromProto(EventEntry entry) =>
        new(entry.At.ToDateTimeOffset(), entry.Namespace, entry.Topic, entry.Event);
}
