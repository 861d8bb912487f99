using System.Collections.Immutable;

namespace Supervisor.Actors.Events;

/// <summary>The requests to an <see cref="EventHistoryActor"/>, and its replies.</summary>
public abstract record EventHistory
{
    /// <summary>
    /// Establishes the subscription; answered with <see cref="Established"/>. No event published after that is missed.
    /// </summary>
    public sealed record Establish : EventHistory
    {
        /// <summary>The only instance.</summary>
        public static Establish Instance { get; } = new();
    }

    /// <summary>The subscription is established.</summary>
    /// <param name="Next">Where to resume if the daemon stops before an event comes: all events below this number are
    /// past.</param>
    /// <param name="Last">The last event that is published.</param>
    public sealed record Established(long Next, long Last) : EventHistory;

    /// <summary>
    /// Asks for the next events. Answered, once there are any, with a <see cref="Page"/> or <see cref="Ended"/>. One at a
    /// time.
    /// </summary>
    public sealed record Pull : EventHistory
    {
        /// <summary>The only instance.</summary>
        public static Pull Instance { get; } = new();
    }

    /// <summary>Consecutive events, at least one.</summary>
    public sealed record Page(ImmutableArray<PublishedEvent> Events) : EventHistory;

    /// <summary>The subscription cannot continue.</summary>
    /// <param name="OutOfRange">The history does not hold the number asked for; otherwise the journal could not be read.</param>
    public sealed record Ended(string Reason, bool OutOfRange) : EventHistory;
}
