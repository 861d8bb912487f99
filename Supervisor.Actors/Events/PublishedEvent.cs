using Google.Protobuf.WellKnownTypes;

namespace Supervisor.Actors.Events;

/// <summary>
/// A lifecycle event as subscribers see it: containerd's envelope, with its place in the history. Published on the actor
/// system's event stream in the order of <paramref name="Number"/>, after it is journalled and its actor has applied it.
/// </summary>
/// <param name="Number">Strictly increasing and never reused, not even after a power loss. There may be gaps.</param>
/// <param name="Previous">Number of the event before it; 0 for the first. It shows a subscriber that it missed none.</param>
/// <param name="Topic">E.g. <c>/tasks/exit</c>.</param>
/// <param name="Event">containerd's message for the topic; its type URL has no leading <c>type.googleapis.com/</c>.</param>
public sealed record PublishedEvent(long Number, long Previous, DateTimeOffset At, string Namespace, string Topic, Any Event);
