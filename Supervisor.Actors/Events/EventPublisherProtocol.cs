namespace Supervisor.Actors.Events;

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
