using System.Collections.Immutable;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// The stream of an SQLite journal's tagged events, in the order of commits: this package's replacement of
/// Akka.Persistence.Query. These messages are exchanged with the journal, <c>Persistence.JournalFor(id)</c>.
/// </summary>
public abstract record TaggedEvents
{
    private TaggedEvents() { }

    /// <summary>Reads a part of the committed stream. Answered with <see cref="Page"/> or <see cref="Failed"/>.</summary>
    /// <param name="Tag">Only events with this tag.</param>
    /// <param name="After">Only events with higher offsets; 0 for all that is kept.</param>
    /// <param name="Through">Only events with offsets up to this one.</param>
    /// <param name="Max">At most this many. Each page is one short read: a long one would hold up commits.</param>
    public sealed record Read(string Tag, long After, long Through, int Max) : TaggedEvents;

    /// <summary>The answer to <see cref="Read"/>.</summary>
    /// <param name="Events">In order; none if the stream holds no more events up to <see cref="Read"/>'s Through.</param>
    /// <param name="Bounds">The stream's bounds.</param>
    public sealed record Page(ImmutableArray<TaggedEvent> Events, StreamBounds Bounds) : TaggedEvents;

    /// <summary>Looks for a time in the stream. Answered with <see cref="Place"/> or <see cref="Failed"/>.</summary>
    public sealed record Find(DateTime Time) : TaggedEvents;

    /// <summary>The answer to <see cref="Find"/>.</summary>
    /// <param name="Offset">No event with a lower offset was persisted at that time or later. Those that follow may be older: it
    /// is where a segment of the history begins.</param>
    public sealed record Place(long Offset) : TaggedEvents;

    /// <summary>
    /// Subscribes the sender to new commits. Answered with <see cref="Subscribed"/>, or <see cref="Failed"/>; then a
    /// <see cref="Committed"/> follows for each commit with tagged events, before the replies to the actors that wrote them.
    /// </summary>
    public sealed record Subscribe : TaggedEvents
    {
        /// <summary>The only instance.</summary>
        public static Subscribe Instance { get; } = new();
    }

    /// <summary>The subscription starts after <see cref="StreamBounds.Last"/>.</summary>
    public sealed record Subscribed(StreamBounds Bounds) : TaggedEvents;

    /// <summary>One commit's tagged events. No event of the stream is missing between two of these.</summary>
    public sealed record Committed(ImmutableArray<TaggedEvent> Events) : TaggedEvents;

    /// <summary>The journal could not be read.</summary>
    public sealed record Failed(Exception Cause) : TaggedEvents;
}

/// <summary>The bounds of the stream of tagged events.</summary>
/// <param name="First">Offset from which the history is complete; 0 while nothing was dropped.</param>
/// <param name="Last">Offset of the last tagged event; 0 if there was none.</param>
/// <param name="Next">No future event has a lower offset.</param>
public readonly record struct StreamBounds(long First, long Last, long Next);

/// <summary>An event in the stream.</summary>
/// <param name="Offset">Its place in the order of commits: strictly increasing and never reused, not even after a power
/// loss.</param>
/// <param name="Previous">
/// Offset of the tagged event before it, 0 for the first. A reader that has seen that one has missed nothing. A reader that has
/// seen a higher one has seen events that a power loss undid.
/// </param>
/// <param name="Timestamp">When it was persisted, in UTC.</param>
public sealed record TaggedEvent(
    long Offset, long Previous, string PersistenceId, long SequenceNr, DateTime Timestamp, object Event);
