namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// The journal's file is not the last one written, or its structure is damaged: it is neither read nor written. A retry does
/// not help; the message says what was found.
/// </summary>
public sealed class JournalUnusableException(string message, Exception? cause = null) : IOException(message, cause);
