namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// The journal's file is not the one that was written last, or is damaged in its structure: nothing is read from it and nothing
/// written to
/// it. It does not pass by itself; the message says what was found.
/// </summary>
public sealed class JournalUnusableException(string message, Exception? cause = null) : IOException(message, cause);
