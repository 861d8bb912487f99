namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// Marks the type of an event that need not survive a power loss: it is committed without waiting for the disk. It survives a
/// kill of the process, and is never lost alone: a power loss always removes a suffix of the file's single commit order. An
/// event without this mark is on disk, with everything before it, once its actor's handler runs.
/// </summary>
public interface IUnsyncedEvent;

/// <summary>
/// Marks the type of an event that even a kill of the process may lose, unless something requested later was committed: it is
/// written with the next commit of any actor, at the latest after a few hundredths of a second, and its actor's handler does not
/// wait for that. For what a recovery finds out and repeats. A failure to write it is published as
/// <see cref="DeferredWriteFailed"/>.
/// </summary>
public interface IDeferredEvent : IUnsyncedEvent;

/// <summary>An event that was acknowledged could not be written: what its actor knows is ahead of the journal.</summary>
/// <param name="PersistenceId">Of the first such event.</param>
public sealed record DeferredWriteFailed(string PersistenceId, Exception Cause);
