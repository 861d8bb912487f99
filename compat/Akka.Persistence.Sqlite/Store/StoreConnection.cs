using Microsoft.Data.Sqlite;

namespace Akka.Persistence.Sqlite.Store;

/// <summary>One connection with its prepared statements. For one thread at a time.</summary>
internal sealed class StoreConnection : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _prepared = [];

    /// <param name="initialize">What makes the tables; null if they are not to be made.</param>
    public StoreConnection(StoreSettings settings, string initialize)
    {
        _connection = new SqliteConnection(settings.ConnectionString);
        try
        {
            _connection.Open();
            Run($"PRAGMA busy_timeout={(long)settings.Timeout.TotalMilliseconds}");
            if (settings.ReadOnly) return;
            // A commit is one append to the write-ahead log; FULL syncs it before the commit returns, so that what was
            // acknowledged survives a loss of power (sqlite.org/pragma.html#pragma_synchronous). The default, NORMAL, does not.
            Run("PRAGMA journal_mode=WAL");
            Run("PRAGMA synchronous=FULL");
            if (initialize is not null) Run(initialize);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The statement, ready to run with these values for its parameters $0, $1, …; not to be disposed.</summary>
    public SqliteCommand Prepared(string sql, params ReadOnlySpan<object> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < values.Length; i++) command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
            _prepared.Add(sql, command);
        }
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }

    public void Run(string sql) => Prepared(sql).ExecuteNonQuery();

    public void Dispose()
    {
        foreach (var command in _prepared.Values) command.Dispose();
        // The last connection to a file brings the write-ahead log back into it and removes the log.
        _connection.Dispose();
    }
}
