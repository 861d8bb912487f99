using Akka.Configuration;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Supervisor.Persistence.Sqlite.Journal;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite;

/// <summary>What is wrong with a journal's file.</summary>
/// <param name="Unusable">Why it cannot be read; null if it can.</param>
/// <param name="Damaged">Persistence ids with damaged events, and what is wrong with these.</param>
public sealed record JournalCondition(string? Unusable, IReadOnlyDictionary<string, string> Damaged);

/// <summary>The only event of an actor whose other events were removed.</summary>
public sealed record ReplacingEvent(string PersistenceId, string Manifest, int Serializer, byte[] Payload);

/// <summary>A journal's file, for repairs while no plugin uses it.</summary>
public static class JournalFile
{
    /// <summary>Reads the whole file. Creates it, and its tables, if they are missing.</summary>
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

    /// <summary>Removes all events of the actors that <paramref name="which"/> selects.</summary>
    /// <param name="replace">Called with the ids of the actors that have events left: the event that replaces those of an actor
    /// that was selected. Null for none.</param>
    /// <exception cref="JournalUnusableException">The file is too badly damaged for that.</exception>
    public static void Remove(
        Config section, Func<string, bool> which, Func<IReadOnlySet<string>, ReplacingEvent>? replace = null)
    {
        Open(section, (connection, table) =>
        {
            table.Remove(connection, which, replace);
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
            BootEpoch.Current(section.GetString("boot-id")));
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
