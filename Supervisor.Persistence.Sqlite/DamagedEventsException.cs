namespace Supervisor.Persistence.Sqlite;

/// <summary>Some of an actor's events are damaged. Those of other actors can still be read and written.</summary>
/// <param name="persistenceId">The actor's.</param>
/// <param name="reason">Which row, and what is wrong with it.</param>
public sealed class DamagedEventsException(string persistenceId, string reason)
    : IOException($"the journal of \"{persistenceId}\" is damaged: {reason}")
{
    /// <summary>The actor's.</summary>
    public string PersistenceId { get; } = persistenceId;
}
