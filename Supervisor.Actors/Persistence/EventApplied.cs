namespace Supervisor.Actors.Persistence;

/// <summary>
/// Reports to the event publisher that an actor has applied an event of its own, so that it may be published. Not answered.
/// </summary>
public sealed record EventApplied(string PersistenceId, long SequenceNr);
