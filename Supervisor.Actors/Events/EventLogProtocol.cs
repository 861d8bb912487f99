using Google.Protobuf.WellKnownTypes;

namespace Supervisor.Actors.Events;

/// <summary>
/// A lifecycle event as subscribers see it: containerd's envelope, with its place in this daemon's history.
/// Published on the actor system's event stream, in order of <paramref name="Number"/>, after it is journalled.
/// </summary>
/// <param name="Number">Counts from 1 without a hole.</param>
/// <param name="Topic">E.g. <c>/tasks/exit</c>.</param>
/// <param name="Event">containerd's message for the topic; its type URL has no leading <c>type.googleapis.com/</c>.</param>
public sealed record PublishedEvent(long Number, DateTimeOffset At, string Namespace, string Topic, Any Event);

/// <summary>Asks the event log to journal and publish an event. Not answered unless <see cref="WantsAnswer"/>.</summary>
/// <param name="Source">Persistence id of the actor whose journal it comes from, or empty for a client's own event.</param>
/// <param name="SourceNumber">Sequence number of the journalled event it tells of; told again, it is published once.</param>
/// <param name="WantsAnswer">Answer the sender with the <see cref="PublishedEvent"/>.</param>
public sealed record PublishEvent(
    string Source, long SourceNumber, DateTimeOffset At, string Namespace, string Topic, Any Event, bool WantsAnswer = false);

/// <summary>
/// All that a source which recovers has asked to publish in former lives: the event log publishes what it has not heard of,
/// and answers as for each of them.
/// </summary>
/// <param name="LastNumber">None of them has a higher SourceNumber.</param>
/// <param name="WantsAnswer">The source waits to hear that they are published.</param>
/// <param name="Events">
/// In order. Read by the event log, and only when one is not known or wants an answer: thousands of sources recover at a start, and
/// hardly any has something new to tell. So it must be made of what does not change.
/// </param>
public sealed record PublishAgain(string Source, long LastNumber, bool WantsAnswer, IEnumerable<PublishEvent> Events);

/// <summary>Tells the event log that a source's journal is empty up to a number: nothing of it will be told again. Not answered.</summary>
public sealed record ForgetSource(string Source, long UpTo);

/// <summary>Asks how far the history has come; answered with <see cref="EventLogPlace"/>.</summary>
public sealed record AskPlace
{
    /// <summary>The one.</summary>
    public static AskPlace Instance { get; } = new();
}

/// <summary>How far the history has come.</summary>
/// <param name="FirstOfThisLife">The number that the first event of this daemon's life has or will have: what came before it was told by a former one.</param>
/// <param name="Last">The last number given.</param>
public sealed record EventLogPlace(long FirstOfThisLife, long Last);
