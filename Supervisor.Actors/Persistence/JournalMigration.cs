using Microsoft.Data.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// Migrates a journal of the first format, which had every published event a second time, under "events", to the present one,
/// in which the journal itself is the history. Done once, at the first start, in one transaction; a copy is kept.
/// </summary>
/// <remarks>
/// Published events keep their numbers: these become their offsets. All other rows follow in their old order. An event that was
/// journalled but not yet published when the daemon was killed is part of the state, not of the history.
/// </remarks>
internal static class JournalMigration
{
    /// <summary>
    /// The tables' version that the migration writes; Supervisor.Persistence.Sqlite migrates later ones itself.
    /// </summary>
    private const int PresentVersion = 2;

    /// <summary>The copy, beside the journal.</summary>
    public const string CopySuffix = ".v1";

    /// <summary>Migrates the journal if necessary.</summary>
    /// <returns>The path of the copy; null if there was nothing to migrate.</returns>
    /// <exception cref="IOException">It could not be migrated, and is unchanged.</exception>
    public static string? Run(string root)
    {
        var file = JournalConfig.FileIn(root);
        if (!File.Exists(file) || HeaderVersion(file) >= PresentVersion) return null;
        using var connection =
            new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            connection.Open();
            if (!IsFirstFormat(connection)) return null;
        }
        catch (SqliteException)
        {
            return null; // locked, or damaged: the journal says so when it opens the file
        }
        try
        {
            var copy = Copy(connection, file);
            Execute(connection, Migration);
            return copy;
        }
        catch (SqliteException e)
        {
            throw new IOException(
                $"the journal \"{file}\" could not be migrated to the present format: SQLite error {e.SqliteErrorCode}, "
                    + $"{e.Message}; " +
                "it is unchanged: free some space if the disk is full, and start the daemon again", e);
        }
    }

    private const string Migration = $"""
        BEGIN IMMEDIATE;
        ALTER TABLE event_journal ADD COLUMN previous INTEGER NULL;
        CREATE TABLE journal_history (
            events VARCHAR(255) NOT NULL,
            first INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            at INTEGER NOT NULL,
            count INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (events, first)
        );
        UPDATE event_journal SET ordering = -ordering;
        UPDATE event_journal SET ordering = sequence_nr, previous = sequence_nr - 1, tags = ';{JournalConfig.PublishedTag};', is_deleted = 1
            WHERE persistence_id = 'events';
        UPDATE event_journal SET ordering = (SELECT ifnull(max(sequence_nr), 0) FROM event_journal WHERE persistence_id = 'events') - ordering
            WHERE ordering < 0;
        INSERT INTO journal_history (events, first, previous, at, count, bytes)
            SELECT 'event_journal', min(sequence_nr), min(sequence_nr) - 1, min(timestamp), count(*), sum(length(payload) + length(persistence_id) + length(manifest))
            FROM event_journal WHERE persistence_id = 'events' GROUP BY sequence_nr / 1000;
        UPDATE sqlite_sequence SET seq = (SELECT max(ordering) FROM event_journal) WHERE name = 'event_journal';
        DELETE FROM journal_metadata WHERE persistence_id = 'events';
        DROP TABLE IF EXISTS snapshot_store;
        COMMIT;
        """;

    // VACUUM INTO writes one file with all that is committed, whether it is in the database or in its write-ahead log.
    private static string Copy(SqliteConnection connection, string file)
    {
        var copy = file + CopySuffix;
        File.Delete(copy); // from an interrupted migration
        using (new FileStream(copy, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        })) { }
        using (var vacuum = connection.CreateCommand())
        {
            vacuum.CommandText = "VACUUM INTO $file";
            vacuum.Parameters.AddWithValue("$file", copy);
            vacuum.ExecuteNonQuery();
        }
        using var written = new FileStream(copy, FileMode.Open, FileAccess.ReadWrite);
        written.Flush(flushToDisk: true);
        return copy;
    }

    private static bool IsFirstFormat(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM pragma_table_info('event_journal') WHERE name IN ('ordering', 'previous')";
        return command.ExecuteScalar() is 1L;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        try
        {
            command.ExecuteNonQuery();
        }
        catch (SqliteException)
        {
            using var rollback = connection.CreateCommand();
            rollback.CommandText = "ROLLBACK";
            try { rollback.ExecuteNonQuery(); } catch (SqliteException) { /* SQLite has ended the transaction itself */ }
            throw;
        }
    }

    /// <summary>
    /// PRAGMA user_version as the file's header has it, four bytes at offset 60 (sqlite.org/fileformat.html): without opening a
    /// database.
    /// </summary>
    private static int HeaderVersion(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var header = new byte[64];
        return stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length
            ? 0 : System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(60));
    }
}
