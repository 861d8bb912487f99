namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// Marks the type of an event that need not survive a power loss: it is committed without waiting for the disk. It survives a
/// kill of the process, and is never lost alone: a power loss always removes a suffix of the file's single commit order. An
/// event without this mark is on disk, with everything before it, once its actor's handler runs.
/// </summary>
public interface IUnsyncedEvent;
