namespace Supervisor.Actors.Events;

/// <summary>Asks for the end of the history; answered with <see cref="HistoryPlace"/>.</summary>
public sealed record AskHistoryPlace
{
    /// <summary>The only instance.</summary>
    public static AskHistoryPlace Instance { get; } = new();
}

/// <summary>The end of the history.</summary>
/// <param name="Begin">The lowest number that an event of this run of the daemon can have.</param>
/// <param name="Last">The last published event.</param>
public sealed record HistoryPlace(long Begin, long Last);
