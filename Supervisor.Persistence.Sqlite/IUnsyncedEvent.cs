namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// Marks the type of an event that need not survive a power loss: it is committed without waiting for the disk. It survives a
/// kill of the process, and is never lost alone: a power loss always removes a suffix of the file's single commit order. An
/// event without this mark is on disk, with everything before it, once its actor's handler runs.
/// </summary>
public interface IUnsyncedEvent;

/// <summary>
/// Marks the type of an event that a kill of the process may lose, too, if nothing else was committed after it: it is written
/// with the next commit of any actor, at the latest after a few hundredths of a second. For what a recovery finds out and
/// repeats. Its handler runs only then: an actor that must not wait persists it with <c>PersistAsync</c>.
/// </summary>
public interface IDeferredEvent : IUnsyncedEvent;
