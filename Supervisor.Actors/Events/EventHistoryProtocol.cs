using System.Collections.Immutable;

namespace Supervisor.Actors.Events;

/// <summary>What a place in the history (<see cref="EventHistoryActor"/>) is asked, and how it answers.</summary>
public abstract record EventHistory
{
    /// <summary>
    /// Asks whether it stands; answered with <see cref="Standing"/>. From then on nothing that is published is missed.
    /// </summary>
    public sealed record Stand : EventHistory
    {
        /// <summary>The one.</summary>
        public static Stand Instance { get; } = new();
    }

    /// <summary>It stands.</summary>
    /// <param name="Next">Where to go on if nothing comes before the daemon goes: no event below it is still to come.</param>
    public sealed record Standing(long Next) : EventHistory;

    /// <summary>
    /// Asks for what comes next. Answered, when there is something, with a <see cref="Page"/> or <see cref="Ended"/>. One at a
    /// time.
    /// </summary>
    public sealed record Pull : EventHistory
    {
        /// <summary>The one.</summary>
        public static Pull Instance { get; } = new();
    }

    /// <summary>Events without a hole, at least one.</summary>
    public sealed record Page(ImmutableArray<PublishedEvent> Events) : EventHistory;

    /// <summary>There is no going on from here.</summary>
    /// <param name="OutOfRange">The history does not hold what was asked for; else the journal could not be read.</param>
    public sealed record Ended(string Reason, bool OutOfRange) : EventHistory;
}
