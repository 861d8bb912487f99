using Akka.Configuration;
using Microsoft.Data.Sqlite;

namespace Akka.Persistence.Sqlite.Store;

/// <summary>The keys that the journal and the snapshot store share.</summary>
internal sealed class StoreSettings
{
    public StoreSettings(string path, Config config, string defaultTable)
    {
        Name = path;
        config = config.WithFallback(SqlitePersistence.DefaultConfiguration().GetConfig(
            defaultTable == "snapshot" ? SqlitePersistence.SnapshotConfigPath : SqlitePersistence.JournalConfigPath));
        Table = defaultTable;
        MetadataTable = "journal_metadata";
        MaxBatch = Math.Max(1, config.GetInt("max-batch-size"));
        MaxWaiting = Math.Max(1, config.GetInt("max-buffer-size"));
        MaxReaders = Math.Clamp(config.GetInt("max-concurrent-operations"), 1, Environment.ProcessorCount);
        try
        {
            Read(config);
        }
        catch (ConfigurationException e)
        {
            Problem = e;
        }
    }

    /// <summary>A key has a value that cannot be used. Each request is answered with this: a plugin that threw instead would be
    /// stopped, and nobody would answer.</summary>
    public ConfigurationException Problem { get; }

    /// <summary>Path of the plugin's section, for messages.</summary>
    public string Name { get; }
    public string File { get; private set; }
    public string ConnectionString { get; private set; }
    public bool ReadOnly { get; private set; }
    public TimeSpan Timeout { get; private set; }
    public string Table { get; private set; }
    public string MetadataTable { get; private set; }
    public bool AutoInitialize { get; private set; }
    public int MaxBatch { get; }
    public int MaxWaiting { get; }
    public int MaxReaders { get; }

    private void Read(Config config)
    {
        var text = config.GetString("connection-string");
        if (string.IsNullOrWhiteSpace(text))
            throw new ConfigurationException($"{Name}.connection-string is not set; write for instance \"Data Source=/var/lib/example/journal.db\".");
        try
        {
            // Our connections live as long as the plugin; a pool would only keep the file open after its end.
            var builder = new SqliteConnectionStringBuilder(text) { Pooling = false };
            File = builder.DataSource;
            ReadOnly = builder.Mode == SqliteOpenMode.ReadOnly;
            Timeout = Least(config.GetTimeSpan("connection-timeout"), config.GetTimeSpan("circuit-breaker.call-timeout") / 2);
            // The provider retries a busy statement itself until this is over; SQLite's own busy_timeout has waited before.
            builder.DefaultTimeout = 1;
            ConnectionString = builder.ToString();
        }
        catch (ArgumentException e)
        {
            throw new ConfigurationException($"{Name}.connection-string = \"{text}\": {e.Message}", e);
        }
        Table = TableName(config, "table-name", Table);
        MetadataTable = TableName(config, "metadata-table-name", MetadataTable);
        AutoInitialize = config.GetBoolean("auto-initialize");
    }

    private static TimeSpan Least(TimeSpan connection, TimeSpan call) =>
        call > TimeSpan.Zero && (connection <= TimeSpan.Zero || call < connection) ? call : connection;

    private string TableName(Config config, string key, string @default)
    {
        var schema = config.GetString("schema-name");
        var table = config.GetString(key, @default);
        foreach (var name in new[] { schema, table })
        {
            if (!string.IsNullOrEmpty(name) && !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                throw new ConfigurationException($"{Name}: \"{name}\" cannot be used as a name of a schema or table; letters, digits and '_' only.");
        }
        return string.IsNullOrEmpty(schema) ? table : $"{schema}.{table}";
    }
}
