using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;
using SQLitePCL;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>The one connection to a file, with its prepared statements. For one thread at a time.</summary>
internal sealed class StoreConnection : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BoundStatement> _bound = new(StringComparer.Ordinal);
    // closed after the connection: closing it releases SQLite's locks. fcntl(2), F_SETLK
    private readonly SafeFileHandle? _file;
    private readonly DiskReserve? _reserve;
    private readonly string? _place;
    private bool _syncs = true;

    public StoreConnection(StoreSettings settings)
    {
        _connection = new SqliteConnection(settings.ConnectionString);
        try
        {
            _connection.Open();
            Run($"PRAGMA busy_timeout={(long)settings.Timeout.TotalMilliseconds}");
            if (settings.ReadOnly) return;
            // No other process may use this file while it is open. Set before the first access, EXCLUSIVE keeps the index of
            // the write-ahead log in memory, and a transaction takes no file locks (sqlite.org/wal.html, "without shared
            // memory").
            Run("PRAGMA locking_mode=EXCLUSIVE");
            Run("PRAGMA journal_mode=WAL");
            Run("PRAGMA wal_autocheckpoint=0"); // StoreThread does it when idle, so that no reply waits for it
            Run("PRAGMA synchronous=FULL");
            if (!File.Exists(settings.File)) return;
            _file = File.OpenHandle(settings.File, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            _reserve = new DiskReserve(_file, settings.File);
            _place = Place;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Checks that the file is still where it was opened: writes to a removed or replaced file would be lost.</summary>
    /// <exception cref="JournalUnusableException">It is not.</exception>
    public void CheckPlace()
    {
        if (_place is not null && Place is var now && now != _place)
            throw new JournalUnusableException(
                $"the file \"{_place}\" was removed, renamed or replaced while it was in use: it is now at {now ?? "no path"}");
    }

    /// <summary>
    /// The open file's path according to the kernel, followed by "(deleted)" if it was removed; null without /proc. proc(5),
    /// /proc/PID/fd.
    /// </summary>
    private string? Place => _file is null ? null : new FileInfo($"/proc/self/fd/{_file.DangerousGetHandle()}").LinkTarget;

    /// <summary>
    /// Whether the next commits are synced before they return. Either way a commit is one append to the write-ahead log, and
    /// survives a kill of this process (sqlite.org/pragma.html#pragma_synchronous). Not within a transaction.
    /// </summary>
    public bool Syncs
    {
        get => _syncs;
        set
        {
            if (value == _syncs) return;
            Run(value ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            _syncs = value;
        }
    }

    /// <summary>
    /// Pages that this connection has written so far, in WAL mode all to the write-ahead log. The counter has 31 bits and wraps
    /// to 0.
    /// </summary>
    public int PagesWritten
    {
        get
        {
            raw.sqlite3_db_status(_connection.Handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out var written, out _, 0);
            return written;
        }
    }

    /// <summary>The statement, ready to run with these values for its parameters $0, $1, …; do not dispose it.</summary>
    public SqliteCommand Prepared(string sql, params ReadOnlySpan<object?> values)
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

    /// <summary>The statement, ready for the first of its values; do not dispose it.</summary>
    public BoundStatement Bound(string sql)
    {
        if (!_bound.TryGetValue(sql, out var statement))
            _bound.Add(sql, statement = new BoundStatement(_connection.Handle!, sql));
        return statement;
    }

    /// <summary>Runs a statement without a result.</summary>
    public int Run(string sql, params ReadOnlySpan<object?> values) => Prepared(sql, values).ExecuteNonQuery();

    /// <summary>The first column of the first row; null if there is none.</summary>
    public long? Number(string sql, params ReadOnlySpan<object?> values) => Prepared(sql, values).ExecuteScalar() as long?;

    /// <summary>Runs the work in a transaction of its own, which is rolled back when the work fails.</summary>
    /// <param name="begin">BEGIN or BEGIN IMMEDIATE.</param>
    public void Transact(string begin, Action work)
    {
        Run(begin);
        try
        {
            work();
            Run("COMMIT");
        }
        catch
        {
            Undo();
            throw;
        }
    }

    /// <summary>Rolls the transaction back, unless SQLite has done so itself, as after some errors.</summary>
    public void Undo()
    {
        if (raw.sqlite3_get_autocommit(_connection.Handle) == 0) Run("ROLLBACK");
    }

    /// <summary>Checkpoints the write-ahead log, both files synced, so that the log restarts from its beginning.</summary>
    public void Checkpoint()
    {
        Syncs = true;
        Run("PRAGMA wal_checkpoint(PASSIVE)");
    }

    /// <summary>Allocates the missing part of the reserve.</summary>
    /// <returns>False if the disk is full.</returns>
    /// <param name="pagesAhead">Pages in the log.</param>
    public bool TryReserve(long bytes, int pagesAhead) => bytes == 0 || _reserve is null || _reserve.TryFill(bytes, pagesAhead);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var command in _prepared.Values) command.Dispose();
        foreach (var statement in _bound.Values) statement.Dispose();
        // The last connection to a file checkpoints the write-ahead log and removes it.
        _connection.Dispose();
        _reserve?.Dispose();
        _file?.Dispose();
    }
}
