namespace Supervisor.Actors.Persistence;

/// <summary>
/// Reports to the event publisher that an actor has applied its event, which may now be published. Not answered.
/// </summary>
public sealed record EventApplied(string PersistenceId, long SequenceNr);
