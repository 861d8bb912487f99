namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// Some of an actor's events are not as they were written. Those of other actors can be read, and are written on.
/// </summary>
/// <param name="persistenceId">Whose.</param>
/// <param name="reason">Which row, and what is wrong with it.</param>
public sealed class DamagedEventsException(string persistenceId, string reason)
    : IOException($"the journal of \"{persistenceId}\" is damaged: {reason}")
{
    /// <summary>Whose.</summary>
    public string PersistenceId { get; } = persistenceId;
}
