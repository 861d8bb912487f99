using Akka.Configuration;
using Microsoft.Data.Sqlite;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>The keys that the journal and the snapshot store share.</summary>
internal sealed class StoreSettings
{
    /// <param name="path">Path of the plugin's section, for messages.</param>
    /// <param name="config">The section, with the defaults as fallback.</param>
    public StoreSettings(string path, Config config)
    {
        Name = path;
        Check("max-batch-size", () => MaxBatch = Math.Max(1, config.GetInt("max-batch-size")));
        Check("max-buffer-size", () => MaxWaiting = Math.Max(1, config.GetInt("max-buffer-size")));
        Check("auto-initialize", () => AutoInitialize = config.GetBoolean("auto-initialize"));
        Check("connection-string", () => (File, ConnectionString, ReadOnly) = Connection(config.GetString("connection-string")));
        Check("connection-timeout", () => Timeout = Least(
            config.GetTimeSpan("connection-timeout"), config.GetTimeSpan("circuit-breaker.call-timeout") / 2));
        Check("reserve", () => Reserve = config.GetByteSize("reserve")!.Value);
        Check("table-name", () => Table = TableName("table-name", config.GetString("table-name")));
        Check("metadata-table-name", () => MetadataTable =
            TableName("metadata-table-name", config.GetString("metadata-table-name")));
    }

    /// <summary>
    /// The error of an invalid value. Every request fails with it: a plugin that threw at its start would be stopped, and would
    /// not reply.
    /// </summary>
    public ConfigurationException? Problem { get; private set; }

    /// <summary>Path of the plugin's section, for messages.</summary>
    public string Name { get; }

    /// <summary>Path of the database, for messages.</summary>
    public string File { get; private set; } = "";

    /// <summary>The connection string, with the parameters that this plugin needs.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>The database is opened with Mode=ReadOnly.</summary>
    public bool ReadOnly { get; private set; }

    /// <summary>How long to wait for another process's lock.</summary>
    public TimeSpan Timeout { get; private set; }

    /// <summary>Checked: letters, digits and underscores.</summary>
    public string Table { get; private set; } = "";

    /// <summary>As <see cref="Table"/>, for the journal; unused by a snapshot store.</summary>
    public string MetadataTable { get; private set; } = "";

    /// <summary>Create missing tables.</summary>
    public bool AutoInitialize { get; private set; }

    /// <summary>Bytes that are allocated ahead for the database, and again for its write-ahead log; 0 for none.</summary>
    public long Reserve { get; private set; }

    /// <summary>Requests in one transaction at most.</summary>
    public int MaxBatch { get; private set; }

    /// <summary>Requests that may wait.</summary>
    public int MaxWaiting { get; private set; }

    /// <summary>Reads a key, or a section, of these settings: a failure becomes the <see cref="Problem"/>.</summary>
    public void Check(string key, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e)
        {
            Problem ??= e as ConfigurationException ?? new ConfigurationException($"{Name}.{key}: {e.Message}", e);
        }
    }

    private (string File, string Text, bool ReadOnly) Connection(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw new ConfigurationException(
                $"{Name}.connection-string is not set; write for instance \"Data Source=/var/lib/example/journal.db\".");
        try
        {
            // The connection lives as long as the plugin; a pool would only keep the file open after its end. SQLite's own
            // busy_timeout does the waiting, so the provider need not repeat busy statements.
            var builder = new SqliteConnectionStringBuilder(text) { Pooling = false, DefaultTimeout = 1 };
            return (builder.DataSource, builder.ToString(), builder.Mode == SqliteOpenMode.ReadOnly);
        }
        catch (ArgumentException e)
        {
            throw new ConfigurationException($"{Name}.connection-string = \"{text}\": {e.Message}", e);
        }
    }

    private static TimeSpan Least(TimeSpan connection, TimeSpan call) =>
        call > TimeSpan.Zero && (connection <= TimeSpan.Zero || call < connection) ? call : connection;

    private string TableName(string key, string name)
    {
        if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            throw new ConfigurationException(
                $"{Name}.{key} = \"{name}\" cannot be the name of a table; letters, digits and '_' only.");
        return name;
    }
}
