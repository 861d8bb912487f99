using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// The thread that owns a database file. It takes all waiting requests, carries them out in one transaction in the order of
/// arrival, commits with the strongest sync that any of them needs, and then completes them. While one group is committed the
/// next one gathers: the slower a sync is, the more requests share it.
/// </summary>
/// <remarks>
/// <code>
///   requests ──▶ queue ──▶ BEGIN, each request, COMMIT ──▶ tables see the commit ──▶ answers
///                  └─ empty for a while: checkpoint of the write-ahead log, tidying
/// </code>
/// Long reads are split into short requests, so that no commit waits for more than one of them.
/// </remarks>
internal sealed class StoreThread : IDisposable
{
    /// <summary>Pages in the write-ahead log after which it is checkpointed: when the thread is idle, or immediately.</summary>
    private const int CheckpointWhenIdle = 500, CheckpointAtOnce = 4_000, CheckpointWhenSpaceIsLow = 100, ReserveAgainAfter = 64;

    /// <summary>
    /// Milliseconds between two checks for a file that was removed or replaced, where commits are not synced: each check costs a
    /// tenth of such a commit.
    /// </summary>
    private const long UnsyncedPlaceCheck = 10;

    private static readonly TimeSpan IdleAfter = TimeSpan.FromMilliseconds(20), LookForSpaceEvery = TimeSpan.FromSeconds(1),
        GatherAtMost = TimeSpan.FromMilliseconds(1);

    private readonly StoreSettings _settings;
    private readonly StoreQueue _queue;
    private readonly object _gate = new(); // of the users and tables
    private readonly Thread _thread;
    private readonly Dictionary<(Type, string), IStoreTable> _tables = [];
    private readonly List<IStoreTable> _opened = []; // tables that are opened on this connection
    private StoreConnection? _connection;
    private TimeSpan _syncTook;
    private long _reserve, _placeCheckedAt;
    private int _users, _checkpointedAt, _reservedAt, _lately;
    private bool _closed, _untidy = true, _unreserved = true;
    private volatile bool _isSpaceLow;

    public StoreThread(StoreSettings settings)
    {
        (_settings, _queue) = (settings, new StoreQueue(settings.MaxWaiting));
        _thread = new Thread(Loop) { IsBackground = true, Name = $"{settings.Name} writer" };
        _thread.Start();
    }

    /// <summary>The reserve could not be allocated, or could be again. Raised on this thread.</summary>
    public event Action<bool>? SpaceChanged;

    /// <summary>Transactions so far that wrote something, and how many of them were synced. For tests and benchmarks.</summary>
    public (long All, long Synced) Commits { get; private set; }

    /// <summary>Requests waiting for the next group. For tests.</summary>
    public int Waiting => _queue.Count;

    /// <param name="reserve">Bytes to allocate ahead for this user.</param>
    /// <returns>False if the last user has closed it.</returns>
    public bool TryAddUser(long reserve)
    {
        lock (_gate)
        {
            if (_closed) return false;
            _users++;
            (_unreserved, _reserve) = (_unreserved || reserve > _reserve, Math.Max(_reserve, reserve));
            return true;
        }
    }

    /// <summary>The table of that name, which is opened before the first request that needs it.</summary>
    public T Table<T>(string name, Func<T> create) where T : IStoreTable
    {
        lock (_gate)
        {
            if (_tables.TryGetValue((typeof(T), name), out var known)) return (T)known;
            var table = create();
            _tables.Add((typeof(T), name), table);
            return table;
        }
    }

    /// <param name="doing">For messages: "writing 3 events of x".</param>
    /// <param name="durability">What it needs of its commit.</param>
    /// <param name="work">Runs on this thread; again if something else in its group fails.</param>
    /// <returns>Completes after the commit; fails with a <see cref="StoreException"/>.</returns>
    public Task<T> Do<T>(
        Func<string> doing, Durability durability, Func<StoreConnection, T> work, CancellationToken cancellation) =>
        Do(new StoreRequest<T>(_settings, null, doing, durability, work), cancellation);

    public Task<T> Do<T>(StoreRequest<T> request, CancellationToken cancellation)
    {
        var result = request.ResultAsync(cancellation); // before the thread can take it: it may be cancelled already
        switch (_queue.Add(request))
        {
            case StoreQueue.Admission.Full:
                request.Fail(new InvalidOperationException(
                    $"{_settings.Name}: {_settings.MaxWaiting} requests wait for \"{_settings.File}\" already "
                        + "(max-buffer-size)"));
                break;
            case StoreQueue.Admission.Closed:
                request.Fail(new ObjectDisposedException(
                    _settings.Name, $"{_settings.Name} is closed: the actor system stops"));
                break;
        }
        return result;
    }

    /// <summary>The last user's call carries out the waiting requests, then closes the database.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (--_users > 0 || _closed) return;
            _closed = true;
        }
        _queue.Close();
        _thread.Join(_settings.Timeout + TimeSpan.FromSeconds(5));
    }

    private void Loop()
    {
        while (_queue.Take(NeedsMaintenance ? IdleAfter : _isSpaceLow ? LookForSpaceEvery : Timeout.InfiniteTimeSpan)
            is { } requests)
        {
            if (requests.Count == 0)
            {
                Maintain();
                continue;
            }
            Gather(requests);
            for (var from = 0; from < requests.Count; from += _settings.MaxBatch)
                Execute(requests.GetRange(from, Math.Min(_settings.MaxBatch, requests.Count - from)));
            if (_reserve > 0 && (_unreserved || WrittenAhead >= _reservedAt + ReserveAgainAfter)) Reserve();
            if (WrittenAhead >= (_isSpaceLow ? CheckpointWhenSpaceIsLow : CheckpointAtOnce)) Maintain();
        }
        Close();
    }

    /// <summary>
    /// Before a sync, waits for recent writers of synced events: they got their replies at the same time, and the first to
    /// write again would get a sync of its own, with all others waiting for the next one. The wait is shorter than a sync, and
    /// none for a single writer.
    /// </summary>
    private void Gather(List<StoreRequest> requests)
    {
        var writers = Synced(requests, 0);
        if (writers > 0 && writers < _lately)
        {
            var (started, atMost) = (Stopwatch.GetTimestamp(), _syncTook / 2 < GatherAtMost ? _syncTook / 2 : GatherAtMost);
            while (writers < _lately && Stopwatch.GetElapsedTime(started) < atMost)
            {
                Thread.Yield();
                var seen = requests.Count;
                _queue.TakeMore(requests);
                writers += Synced(requests, seen);
            }
        }
        _lately = Math.Max(writers, _lately * 3 / 4);
    }

    private static int Synced(List<StoreRequest> requests, int from)
    {
        var count = 0;
        for (var i = from; i < requests.Count; i++) if (requests[i].Durability is Durability.Synced) count++;
        return count;
    }

    private int WrittenAhead =>
        _connection is null || _settings.ReadOnly ? 0 : (_connection.PagesWritten - _checkpointedAt) & int.MaxValue;

    private bool NeedsMaintenance => _connection is not null && (_untidy || _unreserved || WrittenAhead >= CheckpointWhenIdle);

    private void Maintain()
    {
        try
        {
            if (WrittenAhead >= (_isSpaceLow ? CheckpointWhenSpaceIsLow : CheckpointWhenIdle))
            {
                _connection!.Checkpoint();
                (_checkpointedAt, _unreserved) = (_connection.PagesWritten, true);
            }
            if (_unreserved || _isSpaceLow) Reserve();
            _untidy = _opened.Exists(t => t.Tidy(_connection!));
        }
        catch (SqliteException e)
        {
            // The disk may be full. A commit that matters gets the same error and reports it to its caller; this work waits for
            // the next commit.
            RecoverConnection(e);
            (_untidy, _checkpointedAt) = (false, _connection?.PagesWritten ?? 0);
        }
    }

    /// <summary>
    /// After each checkpoint, which may have grown the database; when the log has grown; and from time to time while the disk
    /// is full.
    /// </summary>
    private void Reserve()
    {
        if (_connection is null) return; // all requests were cancelled, or it failed: reserved when it is reopened
        (_unreserved, _reservedAt) = (false, WrittenAhead);
        if (_connection.TryReserve(_reserve, WrittenAhead) != _isSpaceLow) return;
        _isSpaceLow = !_isSpaceLow;
        SpaceChanged?.Invoke(_isSpaceLow);
    }

    private void Execute(List<StoreRequest> group)
    {
        group.RemoveAll(r => !r.TryBegin());
        if (!group.TrueForAll(IsOpen)) group = WithOpen(group);
        if (group.Count == 0) return;
        if (Transact(group) is not var (failure, isOfOne))
        {
            Finish(group);
        }
        else if (isOfOne && group.Count > 1)
        {
            // One request broke the transaction of all. Retry in halves, in order: one in a thousand costs some ten commits,
            // not a thousand.
            var half = group.Count / 2;
            Execute(group.GetRange(0, half));
            Execute(group.GetRange(half, group.Count - half));
        }
        else
        {
            foreach (var request in group) request.Fail(failure);
        }
    }

    /// <summary>
    /// Completes reads one by one, since what follows them may take long; and writes in one go, since only a message to an actor
    /// follows.
    /// </summary>
    private static void Finish(List<StoreRequest> group)
    {
        foreach (var read in group.Where(r => r.Durability is Durability.Read))
            ThreadPool.UnsafeQueueUserWorkItem(static r => r.Finish(), read, preferLocal: false);
        var writes = group.FindAll(r => r.Durability is not Durability.Read);
        if (writes.Count == 0) return;
        ThreadPool.UnsafeQueueUserWorkItem(static all =>
        {
            foreach (var write in all) write.Finish();
        }, writes, preferLocal: false);
    }

    private bool IsOpen(StoreRequest request) =>
        _connection is not null && (request.Table is null || _opened.Contains(request.Table));

    /// <summary>
    /// Opens the tables that these requests need; requests for which that fails are completed, the others are returned. It is
    /// tried once for all of them: waiting for another process's lock may take long.
    /// </summary>
    private List<StoreRequest> WithOpen(List<StoreRequest> group)
    {
        if (_connection is null)
        {
            try
            {
                (_connection, _checkpointedAt, _unreserved) = (new StoreConnection(_settings), 0, true);
            }
            catch (Exception e)
            {
                foreach (var request in group) request.Fail(e);
                return [];
            }
        }
        foreach (var table in group.Select(r => r.Table).OfType<IStoreTable>().Distinct().Where(t => !_opened.Contains(t))
            .ToList())
        {
            try
            {
                table.Opened(_connection);
                _opened.Add(table);
            }
            catch (Exception e)
            {
                table.RolledBack();
                RecoverConnection(e);
                foreach (var request in group.Where(r => r.Table == table)) request.Fail(e);
                var others = group.FindAll(r => r.Table != table);
                return others.Count > 0 ? WithOpen(others) : others;
            }
        }
        return group;
    }

    private void CheckPlace(StoreConnection connection, Durability durability)
    {
        var now = Environment.TickCount64;
        if (durability is not Durability.Synced && now - _placeCheckedAt < UnsyncedPlaceCheck) return;
        connection.CheckPlace();
        _placeCheckedAt = now;
    }

    /// <returns>Null if it was committed; otherwise why not, and whether the others may succeed without one of them.</returns>
    private (Exception Failure, bool IsOfOne)? Transact(List<StoreRequest> group)
    {
        var (connection, isRunning) = (_connection!, false);
        var durability = group.Max(r => r.Durability);
        try
        {
            if (durability is not Durability.Read)
            {
                CheckPlace(connection, durability);
                connection.Syncs = durability is Durability.Synced;
            }
            connection.Bound(durability is Durability.Read ? "BEGIN" : "BEGIN IMMEDIATE").Run();
            isRunning = true;
            foreach (var request in group) request.Run(connection);
            isRunning = false;
            var started = Stopwatch.GetTimestamp();
            connection.Bound("COMMIT").Run();
            if (durability is Durability.Synced) _syncTook = Stopwatch.GetElapsedTime(started);
        }
        catch (Exception e)
        {
            foreach (var table in _opened) table.RolledBack();
            RecoverConnection(e);
            return (e, isRunning || e is SqliteException { SqliteErrorCode: raw.SQLITE_FULL });
        }
        if (durability is not Durability.Read)
        {
            Commits = (Commits.All + 1, Commits.Synced + (durability is Durability.Synced ? 1 : 0));
            _untidy = true;
        }
        // It is committed: from here on no request may fail.
        foreach (var table in _opened) table.Committed();
        return null;
    }

    // After an I/O error the state of the pages that the kernel still had to write is unknown (it reports the error once, and
    // then treats them as clean): reopening reads what there is, and the checkpoint at the close writes it once more.
    private void RecoverConnection(Exception cause)
    {
        try
        {
            _connection?.Undo();
            if (cause is not SqliteException { SqliteErrorCode: raw.SQLITE_IOERR }) return;
        }
        catch (SqliteException)
        {
            // The rollback failed: the connection is unusable.
        }
        Close();
    }

    private void Close()
    {
        try
        {
            _connection?.Dispose();
        }
        catch (SqliteException)
        {
            // Nothing is lost: commits are in the log, and the next connection reads them from there.
        }
        _connection = null;
        _opened.Clear();
    }
}
