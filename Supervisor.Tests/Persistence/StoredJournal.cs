using Supervisor.Persistence.Sqlite;
using Supervisor.Persistence.Sqlite.Journal;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Tests.Persistence;

/// <summary>A file as the plugin opens it, without an actor system: for tests that open hundreds.</summary>
internal sealed class StoredJournal : IDisposable
{
    private readonly StoreConnection _connection;
    private readonly JournalTable _table;

    /// <param name="history">The section of that name.</param>
    public StoredJournal(string file, string bootId = "boot", string history = "", string witness = "")
    {
        var config = Akka.Configuration.ConfigurationFactory.ParseString(
            $"connection-string = \"Data Source={file}\", auto-initialize = on, history {{ {history} }}")
            .WithFallback(SqlitePersistence.DefaultConfig.GetConfig(SqlitePersistence.JournalConfigPath));
        var settings = new StoreSettings("test", config);
        _table = new JournalTable(
            settings, HistoryBounds.From(config.GetConfig("history"), settings), bootId, witness, Reports.Add);
        _connection = new StoreConnection(settings);
        try
        {
            _table.Opened(_connection);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Warnings at its opening.</summary>
    public List<string> Reports { get; } = [];

    /// <summary>Actors with damaged events.</summary>
    public IReadOnlyDictionary<string, string> Damaged => _table.Damaged;

    public StreamBounds Bounds => _table.Bounds;

    public IReadOnlyList<StoredRow> Stream =>
        _table.Stream.Read(_connection, new TaggedEvents.Read(TaggedStream.Tag, 0, long.MaxValue, int.MaxValue));

    public IReadOnlyList<StoredRow> Replay(string persistenceId) =>
        _table.Replay(_connection, persistenceId, 0, long.MaxValue, long.MaxValue);

    public long Highest(string persistenceId) => _table.Highest(_connection, persistenceId);

    /// <summary>Commits one event and returns its offset.</summary>
    public long Append(
        string persistenceId, long sequenceNr, bool isSynced = false, int bytes = 20, DateTime? at = null, bool isTagged = true,
            byte[]? payload = null, string manifest = "")
    {
        _connection.Syncs = isSynced;
        var row = new NewRow(
            persistenceId, sequenceNr, (at ?? DateTime.UtcNow).Ticks, manifest, payload ?? new byte[bytes], isTagged
                ? $";{TaggedStream.Tag};" : null, 4, ["event"]);
        _connection.Transact("BEGIN IMMEDIATE", () => _table.Append(_connection, [row]));
        _table.Committed();
        return _table.Bounds.Next - 1;
    }

    public void Delete(string persistenceId, long to)
    {
        _connection.Transact("BEGIN IMMEDIATE", () => _table.Delete(_connection, persistenceId, to));
        _table.Committed();
    }

    /// <summary>What the store's thread does when it is idle.</summary>
    public void Tidy()
    {
        while (_table.Tidy(_connection)) { }
    }

    public long Count(string table) => _connection.Number($"SELECT count(*) FROM {table}") ?? 0;

    /// <summary>One value of a query.</summary>
    public object? Value(string sql) => _connection.Prepared(sql).ExecuteScalar();

    public void CheckPlace() => _connection.CheckPlace();

    public void Checkpoint() => _connection.Checkpoint();

    public void Dispose() => _connection.Dispose();
}
