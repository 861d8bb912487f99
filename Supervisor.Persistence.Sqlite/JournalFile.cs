using Akka.Configuration;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Supervisor.Persistence.Sqlite.Journal;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite;

/// <summary>What is wrong with a journal's file.</summary>
/// <param name="Unusable">Why nothing can be read from it; null if it can.</param>
/// <param name="Damaged">Whose events are not all as they were written, and what is wrong with them.</param>
public sealed record JournalCondition(string? Unusable, IReadOnlyDictionary<string, string> Damaged);

/// <summary>A journal's file while no plugin uses it: for repairs.</summary>
public static class JournalFile
{
    /// <summary>Reads all of it. Makes it, and its tables, if they are missing.</summary>
    /// <param name="section">The plugin's configuration.</param>
    public static JournalCondition Inspect(Config section)
    {
        try
        {
            return Open(section, (_, table) => new JournalCondition(null, table.Damaged));
        }
        catch (JournalUnusableException e)
        {
            return new JournalCondition(e.Message, new Dictionary<string, string>());
        }
    }

    /// <summary>Removes all events of the actors that <paramref name="which"/> chooses.</summary>
    /// <exception cref="JournalUnusableException">The file is too much damaged for that.</exception>
    public static void Remove(Config section, Func<string, bool> which)
    {
        Open(section, (connection, table) =>
        {
            table.Remove(connection, which);
            return 0;
        });
    }

    private static T Open<T>(Config section, Func<StoreConnection, JournalTable, T> what)
    {
        ArgumentNullException.ThrowIfNull(section);
        var settings = new StoreSettings("journal", section);
        if (settings.Problem is { } problem) throw problem;
        var table = new JournalTable(
            settings, HistoryBounds.From(section.GetConfig("history"), settings),
            BootEpoch.Current(section.GetString("boot-id", "")));
        try
        {
            using var connection = new StoreConnection(settings);
            table.Opened(connection);
            return what(connection, table);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB)
        {
            throw new JournalUnusableException($"the journal \"{settings.File}\" is damaged: {e.Message}", e);
        }
    }
}
