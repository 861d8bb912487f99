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
    // closed after the connection: closing it drops the locks that SQLite holds. fcntl(2), F_SETLK
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
            // No other process has business in this file while it is open. Set before the first access, EXCLUSIVE keeps the index
            // of the write-ahead log in memory, and a transaction takes no file locks (sqlite.org/wal.html, "without shared
            // memory").
            Run("PRAGMA locking_mode=EXCLUSIVE");
            Run("PRAGMA journal_mode=WAL");
            Run("PRAGMA wal_autocheckpoint=0"); // StoreThread does it when it is idle: not on the way to an answer
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

    /// <summary>
    /// That the file is still where it was opened: what is written to one that was removed, or exchanged, nobody reads again.
    /// </summary>
    /// <exception cref="JournalUnusableException">It is not.</exception>
    public void CheckPlace()
    {
        if (_place is not null && Place is var now && now != _place)
            throw new JournalUnusableException(
                $"the file \"{_place}\" was removed, renamed or exchanged while it was in use: it is now {now ?? "nowhere"}");
    }

    /// <summary>
    /// Where the kernel says that the open file is, "(deleted)" behind it if nowhere; null without /proc. proc(5), /proc/PID/fd.
    /// </summary>
    private string? Place => _file is null ? null : new FileInfo($"/proc/self/fd/{_file.DangerousGetHandle()}").LinkTarget;

    /// <summary>
    /// Whether the next commits are synced before they return. Either way a commit is one append to the write-ahead log, and
    /// survives the death of this process (sqlite.org/pragma.html#pragma_synchronous). Not within a transaction.
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
    /// Pages that this connection has written so far: while WAL mode lasts, all of them into the write-ahead log. The counter has
    /// 31 bits and begins again at 0 after them.
    /// </summary>
    public int PagesWritten
    {
        get
        {
            raw.sqlite3_db_status(_connection.Handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out var written, out _, 0);
            return written;
        }
    }

    /// <summary>The statement, ready to run with these values for its parameters $0, $1, …; not to be disposed.</summary>
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

    /// <summary>The statement, ready for the first of its values; not to be disposed.</summary>
    public BoundStatement Bound(string sql)
    {
        if (!_bound.TryGetValue(sql, out var statement))
            _bound.Add(sql, statement = new BoundStatement(_connection.Handle!, sql));
        return statement;
    }

    /// <summary>Runs a statement that has no result.</summary>
    public int Run(string sql, params ReadOnlySpan<object?> values) => Prepared(sql, values).ExecuteNonQuery();

    /// <summary>The first column of the first row; null where there is none.</summary>
    public long? Number(string sql, params ReadOnlySpan<object?> values) => Prepared(sql, values).ExecuteScalar() as long?;

    /// <summary>The work in a transaction of its own, which is undone when the work fails.</summary>
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

    /// <summary>Undoes the transaction, if SQLite has not done so by itself, as it does after some errors.</summary>
    public void Undo()
    {
        if (raw.sqlite3_get_autocommit(_connection.Handle) == 0) Run("ROLLBACK");
    }

    /// <summary>
    /// Brings the write-ahead log back into the database, both synced, so that the log begins again from its start.
    /// </summary>
    public void Checkpoint()
    {
        Syncs = true;
        Run("PRAGMA wal_checkpoint(PASSIVE)");
    }

    /// <summary>Allocates the disk space that is reserved, as far as it is not.</summary>
    /// <returns>False when the disk has no room for it.</returns>
    /// <param name="pagesAhead">What the log holds.</param>
    public bool TryReserve(long bytes, int pagesAhead) => bytes == 0 || _reserve is null || _reserve.TryFill(bytes, pagesAhead);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var command in _prepared.Values) command.Dispose();
        foreach (var statement in _bound.Values) statement.Dispose();
        // The last connection to a file brings the write-ahead log back into it and removes the log.
        _connection.Dispose();
        _reserve?.Dispose();
        _file?.Dispose();
    }
}
