using Microsoft.Data.Sqlite;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>A failed database operation: the file, SQLite's error, and what to do about it.</summary>
internal sealed class StoreException(string message, SqliteException cause) : IOException(message, cause)
{
    /// <param name="doing">The operation: "writing 3 events of x".</param>
    public static IOException From(string doing, StoreSettings settings, SqliteException e)
    {
        var file = settings.File;
        // sqlite.org/rescode.html; the low byte is the primary code.
        var advice = e.SqliteErrorCode switch
        {
            1 when e.Message.Contains("no such table", StringComparison.Ordinal) =>
                $"set {settings.Name}.auto-initialize = on to have missing tables created, or check that this is the right file",
            5 or 6 => $"another process holds a lock on it and did not release it within {settings.Timeout.TotalSeconds} s; " +
                $"find it with `fuser {file}`, or stop the other instance",
            8 => $"make the file and its directory writable for user {Environment.UserName}, or remove Mode=ReadOnly from the "
                + "connection string",
            10 => "the disk or file system failed; look at the kernel log",
            11 or 26 => "it is damaged or not an SQLite database; restore it from a backup, or move it and its -wal and -shm "
                + "files away to start empty",
            13 => "the file system is full or a quota is reached; free some space, then the actors that failed can be started "
                + "again",
            14 => "check that its directory exists and may be entered and written",
            19 => "an event with this number exists already: two actors, or two processes, write under one persistence id",
            _ => "see sqlite.org/rescode.html",
        };
        var message = $"{settings.Name}: {doing} failed on \"{file}\": SQLite error {e.SqliteErrorCode} "
            + $"({e.SqliteExtendedErrorCode}), {e.Message}; {advice}";
        return e.SqliteErrorCode is 11 or 26 ? new JournalUnusableException(message, e) : new StoreException(message, e);
    }
}
