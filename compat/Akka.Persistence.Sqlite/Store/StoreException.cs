using Microsoft.Data.Sqlite;

namespace Akka.Persistence.Sqlite.Store;

/// <summary>Why the database could not do something: the file, SQLite's error, and what to do about it.</summary>
internal sealed class StoreException(string message, SqliteException cause) : Exception(message, cause)
{
    /// <summary>Whatever was asked, it would have failed: busy, locked, read-only, I/O, corrupt, full, cannot open, no database.</summary>
    public bool Everyones => cause.SqliteErrorCode is 5 or 6 or 8 or 10 or 11 or 13 or 14 or 26;

    public static StoreException From(string doing, StoreSettings settings, SqliteException e)
    {
        var file = settings.File;
        // sqlite.org/rescode.html; the low byte is the primary code.
        var advice = e.SqliteErrorCode switch
        {
            1 when e.Message.Contains("no such table", StringComparison.Ordinal) =>
                $"set {settings.Name}.auto-initialize = on to have missing tables made, or check that this is the right file",
            5 or 6 => $"another process holds a lock on it and did not let go within {settings.Timeout.TotalSeconds} s; find it with `fuser {file}`, or stop the other instance",
            8 => $"make the file and its directory writable for user {Environment.UserName}, or remove Mode=ReadOnly from the connection string",
            10 => "the disk or file system failed; look at the kernel log",
            11 or 26 => "it is damaged or no SQLite database; restore it from a backup, or move it and its -wal and -shm files away to begin anew",
            13 => "the file system is full or a quota is reached; free some space, then the actors that failed can be started again",
            14 => "check that its directory exists and may be entered and written",
            19 => "an event with this number exists already: two actors, or two processes, write under one persistence id",
            _ => "see sqlite.org/rescode.html",
        };
        return new StoreException(
            $"{settings.Name}: {doing} failed on \"{file}\": SQLite error {e.SqliteErrorCode} ({e.SqliteExtendedErrorCode}), {e.Message}; {advice}", e);
    }
}
