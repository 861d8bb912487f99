using Microsoft.Data.Sqlite;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// The thread that owns a database file. It takes all requests that wait, carries them out in one transaction in the order
/// in which they came, commits with the sync that the strongest of them needs, and answers them after that. While one group
/// is committed the next one gathers, so that the dearer a sync is, the more requests share it.
/// </summary>
/// <remarks>
/// <code>
///   requests ──▶ queue ──▶ BEGIN, each request, COMMIT ──▶ tables see the commit ──▶ answers
///                  └─ empty for a while: checkpoint of the write-ahead log, tidying
/// </code>
/// Long reads come as many short requests, so that no commit waits for more than one of them.
/// </remarks>
internal sealed class StoreThread : IDisposable
{
    /// <summary>Pages in the write-ahead log after which it is checkpointed: when the thread is idle, or at once.</summary>
    private const int CheckpointWhenIdle = 500, CheckpointAtOnce = 4_000;

    private static readonly TimeSpan IdleAfter = TimeSpan.FromMilliseconds(20);

    private readonly StoreSettings _settings;
    private readonly object _gate = new();
    private readonly Thread _thread;
    private List<StoreRequest> _waiting = [];
    private StoreConnection? _connection;
    private volatile IStoreTable[] _tables = [];
    private int _opened; // how many of the tables know of this connection
    private int _users, _checkpointedAt;
    private bool _closed, _untidy = true;

    public StoreThread(StoreSettings settings)
    {
        _settings = settings;
        _thread = new Thread(Loop) { IsBackground = true, Name = $"{settings.Name} writer" };
        _thread.Start();
    }

    /// <summary>Transactions so far that wrote something, and how many of them were synced. For tests and benchmarks.</summary>
    public (long All, long Synced) Commits { get; private set; }

    /// <summary>False when the last user has closed it.</summary>
    public bool TryAddUser()
    {
        lock (_gate)
        {
            if (_closed) return false;
            _users++;
            return true;
        }
    }

    /// <summary>Registers a plugin's tables, before its first request.</summary>
    public void Attach(IStoreTable table)
    {
        lock (_gate) _tables = [.. _tables, table];
    }

    /// <param name="doing">For messages: "writing 3 events of x".</param>
    /// <param name="durability">What it needs of its commit.</param>
    /// <param name="work">Runs on this thread; twice if something else in its group fails.</param>
    /// <returns>Completes after the commit; fails with a <see cref="StoreException"/>.</returns>
    public Task<T> Do<T>(Func<string> doing, Durability durability, Func<StoreConnection, T> work, CancellationToken cancellation)
    {
        if (_settings.Problem is { } problem) return Task.FromException<T>(problem);
        lock (_gate)
        {
            if (_closed) return Task.FromException<T>(new ObjectDisposedException(_settings.Name, $"{_settings.Name} is closed: the actor system stops"));
            if (_waiting.Count >= _settings.MaxWaiting)
            {
                return Task.FromException<T>(new InvalidOperationException(
                    $"{_settings.Name}: {_settings.MaxWaiting} requests wait for \"{_settings.File}\" already (max-buffer-size)"));
            }
            var request = new StoreRequest<T>(doing, durability, work);
            _waiting.Add(request);
            if (_waiting.Count == 1) Monitor.Pulse(_gate);
            return request.ResultAsync(cancellation);
        }
    }

    /// <summary>The last user's call carries out what waits, then closes the database.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (--_users > 0 || _closed) return;
            _closed = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join(_settings.Timeout + TimeSpan.FromSeconds(5));
    }

    private void Loop()
    {
        var spare = new List<StoreRequest>();
        while (Take(ref spare) is { } requests)
        {
            for (var from = 0; from < requests.Count; from += _settings.MaxBatch)
                Carry(requests.GetRange(from, Math.Min(_settings.MaxBatch, requests.Count - from)));
            requests.Clear();
            if (WrittenAhead >= CheckpointAtOnce) Maintain();
        }
        Close();
    }

    /// <summary>All that waits; null when the thread is to end. Sleeps while there is nothing to do.</summary>
    private List<StoreRequest>? Take(ref List<StoreRequest> spare)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_waiting.Count == 0 && !_closed)
                {
                    if (!NeedsMaintenance) Monitor.Wait(_gate);
                    else if (!Monitor.Wait(_gate, IdleAfter)) goto idle;
                }
                if (_waiting.Count > 0)
                {
                    (_waiting, spare) = (spare, _waiting);
                    return spare;
                }
                if (_closed) return null;
                continue;
            }
            idle:
            Maintain();
        }
    }

    private int WrittenAhead => _connection is null || _settings.ReadOnly ? 0 : _connection.PagesWritten - _checkpointedAt;

    private bool NeedsMaintenance => _connection is not null && (_untidy || WrittenAhead >= CheckpointWhenIdle);

    private void Maintain()
    {
        try
        {
            if (WrittenAhead >= CheckpointWhenIdle)
            {
                _connection!.Checkpoint();
                _checkpointedAt = _connection.PagesWritten;
            }
            _untidy = Array.Exists(_tables, t => t.Tidy(_connection!));
        }
        catch (SqliteException)
        {
            // The disk may be full. What matters meets the same error with a caller to report it to; this waits for the next commit.
            (_untidy, _checkpointedAt) = (false, _connection!.PagesWritten);
        }
    }

    private void Carry(List<StoreRequest> group)
    {
        group.RemoveAll(r => !r.TryBegin());
        if (group.Count == 0) return;
        var failure = Transact(group);
        if (failure is not null && group.Count > 1)
        {
            // One of them spoiled the transaction of all: each gets its own, so that only that one fails.
            foreach (var request in group) request.Finish(Transact([request]));
            return;
        }
        foreach (var request in group) request.Finish(failure);
    }

    private Exception? Transact(List<StoreRequest> group)
    {
        var request = group[0];
        try
        {
            var connection = Opened();
            var durability = group.Max(r => r.Durability);
            if (durability is not Durability.Read) connection.Syncs = durability is Durability.Synced;
            connection.Run(durability is Durability.Read ? "BEGIN" : "BEGIN IMMEDIATE");
            foreach (var each in group)
            {
                request = each;
                request.Run(connection);
            }
            connection.Run("COMMIT");
            if (durability is Durability.Read) return null;
            Commits = (Commits.All + 1, Commits.Synced + (durability is Durability.Synced ? 1 : 0));
            _untidy = true;
            foreach (var table in _tables) table.Committed();
            return null;
        }
        catch (Exception e)
        {
            Rollback();
            return e is SqliteException sqlite ? StoreException.From(request.Doing(), _settings, sqlite) : e;
        }
    }

    private StoreConnection Opened()
    {
        if (_connection is null) (_connection, _opened, _checkpointedAt) = (new StoreConnection(_settings), 0, 0);
        for (var tables = _tables; _opened < tables.Length; _opened++) tables[_opened].Opened(_connection);
        return _connection;
    }

    // SQLite ends some transactions itself; then the rollback fails. That connection is given up, the next group opens another.
    private void Rollback()
    {
        if (_connection is null) return;
        foreach (var table in _tables) table.RolledBack();
        try
        {
            _connection.Run("ROLLBACK");
        }
        catch (SqliteException)
        {
            Close();
        }
    }

    private void Close()
    {
        try
        {
            _connection?.Dispose();
        }
        catch (SqliteException)
        {
            // Nothing is lost: what was committed is in the log, and the next one to open the file reads it from there.
        }
        _connection = null;
    }
}
