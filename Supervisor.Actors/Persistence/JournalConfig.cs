using Akka.Configuration;
using Microsoft.Data.Sqlite;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// The journal settings that the daemon sets: its path is in the root, its history as <c>supervisor.events</c> says.
/// </summary>
internal static class JournalConfig
{
    /// <summary>The tag of every published event.</summary>
    public const string PublishedTag = "published";

    /// <summary>The id of our serializer, in the journal beside every event: never changes.</summary>
    public const int Serializer = 4801;

    /// <summary>The journal's file.</summary>
    public static string FileIn(string root) => Path.Join(root, "journal.db");

    /// <summary>The file with the last offset written since boot.</summary>
    public static string WitnessIn(string state) => Path.Join(state, "journal-position");

    /// <summary>The configuration with the journal's keys in front.</summary>
    /// <param name="state">Where the last offset written is recorded.</param>
    public static Config With(Config config, string root, string state)
    {
        var connection = new SqliteConnectionStringBuilder { DataSource = FileIn(root) };
        var events = config.GetConfig("supervisor.events");
        return ConfigurationFactory.ParseString($$"""
            akka.persistence.journal.sqlite {
              connection-string = {{Quoted(connection.ToString())}}
              witness = {{Quoted(WitnessIn(state))}}
              history {
                keep = {{events.GetLong("keep")}}
                keep-for = {{(long)events.GetTimeSpan("keep-for").TotalMilliseconds}}ms
                keep-size = {{events.GetByteSize("keep-size")!.Value}}
              }
            }
            """).WithFallback(config).WithFallback(SqlitePersistence.DefaultConfig);
    }

    /// <summary>As a quoted string of HOCON, which is JSON's: a path may hold any character.</summary>
    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
