using Google.Protobuf.WellKnownTypes;

namespace Supervisor.Actors.Events;

/// <summary>
/// A lifecycle event as subscribers see it: containerd's envelope, with its place in the history. Published on the actor
/// system's event stream in the order of <paramref name="Number"/>, after it is journalled and its actor has applied it.
/// </summary>
/// <param name="Number">Strictly increasing, and never used twice, not even after a loss of power. Numbers may be left
/// out.</param>
/// <param name="Previous">Number of the event before it; 0 for the first. With it a subscriber knows that it has missed
/// none.</param>
/// <param name="Topic">E.g. <c>/tasks/exit</c>.</param>
/// <param name="Event">containerd's message for the topic; its type URL has no leading <c>type.googleapis.com/</c>.</param>
public sealed record PublishedEvent(long Number, long Previous, DateTimeOffset At, string Namespace, string Topic, Any Event);
