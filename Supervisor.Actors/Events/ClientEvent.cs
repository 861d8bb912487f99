using Google.Protobuf.WellKnownTypes;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Events;

/// <summary>An event that a client asked to publish. Journalled: journal/v1/events.proto.</summary>
public sealed record ClientEvent(DateTimeOffset At, string Namespace, string Topic, Any Event) : IUnsyncedEvent;
