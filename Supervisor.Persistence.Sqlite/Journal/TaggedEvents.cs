using System.Collections.Immutable;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// The stream of an SQLite journal's tagged events, in the order in which they were committed: what this package offers in
/// place of Akka.Persistence.Query. These messages go to and come from the journal, <c>Persistence.JournalFor(id)</c>.
/// </summary>
public abstract record TaggedEvents
{
    private TaggedEvents() { }

    /// <summary>
    /// Asks for a part of the stream that is committed. Answered with <see cref="Page"/> or <see cref="Failed"/>.
    /// </summary>
    /// <param name="Tag">Only events with this tag.</param>
    /// <param name="After">Only events with higher offsets; 0 for all that is kept.</param>
    /// <param name="Through">Only events with offsets up to this one.</param>
    /// <param name="Max">At most this many. Each page is one short read: a long one would hold up commits.</param>
    public sealed record Read(string Tag, long After, long Through, int Max) : TaggedEvents;

    /// <summary>The answer to <see cref="Read"/>.</summary>
    /// <param name="Events">In order; none when the stream holds nothing more up to what was asked for.</param>
    /// <param name="Bounds">How far the stream goes.</param>
    public sealed record Page(ImmutableArray<TaggedEvent> Events, StreamBounds Bounds) : TaggedEvents;

    /// <summary>
    /// Subscribes the sender to what is committed from now on. Answered with <see cref="Subscribed"/>, or <see cref="Failed"/>;
    /// then
    /// comes a <see cref="Committed"/> for each commit that holds tagged events, before the actors concerned are answered.
    /// </summary>
    public sealed record Subscribe : TaggedEvents
    {
        /// <summary>The only instance.</summary>
        public static Subscribe Instance { get; } = new();
    }

    /// <summary>The subscription begins after <see cref="StreamBounds.Last"/>.</summary>
    public sealed record Subscribed(StreamBounds Bounds) : TaggedEvents;

    /// <summary>One commit's tagged events. No event of the stream is missing between two of these.</summary>
    public sealed record Committed(ImmutableArray<TaggedEvent> Events) : TaggedEvents;

    /// <summary>The journal could not be read.</summary>
    public sealed record Failed(Exception Cause) : TaggedEvents;
}

/// <summary>How far the stream of tagged events goes.</summary>
/// <param name="First">Offset from which on the history is complete; 0 while nothing was dropped from it.</param>
/// <param name="Last">Offset of the last tagged event; 0 if there was none.</param>
/// <param name="Next">No event to come has a lower offset.</param>
public readonly record struct StreamBounds(long First, long Last, long Next);

/// <summary>An event in the stream.</summary>
/// <param name="Offset">Its place in the order of commits: strictly increasing, and never used twice, not even after a loss of
/// power.</param>
/// <param name="Previous">
/// Offset of the tagged event before it, 0 for the first. A reader that has seen that one has missed nothing. A reader that has
/// seen a higher one has seen what a loss of power took back.
/// </param>
/// <param name="Timestamp">When it was persisted, in UTC.</param>
public sealed record TaggedEvent(
    long Offset, long Previous, string PersistenceId, long SequenceNr, DateTime Timestamp, object Event);
