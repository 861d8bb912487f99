namespace Supervisor.Actors.Events;

/// <summary>Reports to the <see cref="EventPublisherActor"/> that an actor has applied an event of its own, so that it may be published. Not answered.</summary>
public sealed record EventApplied(string PersistenceId, long SequenceNr);

/// <summary>Asks how far the history has come; answered with <see cref="HistoryPlace"/>.</summary>
public sealed record AskHistoryPlace
{
    /// <summary>The only instance.</summary>
    public static AskHistoryPlace Instance { get; } = new();
}

/// <summary>How far the history has come.</summary>
/// <param name="Begin">The first number that an event of this daemon's run can have.</param>
/// <param name="Last">The last event that is published.</param>
public sealed record HistoryPlace(long Begin, long Last);
