namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// Marks the type of an event that need not survive a loss of power: it is committed without waiting for the disk. It survives
/// the death of the process, and it is never lost alone: what a loss of power takes is always the end of the one order in
/// which all events of the file were committed. An event without this mark is on disk, with everything before it, once its
/// actor's handler runs.
/// </summary>
public interface IUnsyncedEvent;
