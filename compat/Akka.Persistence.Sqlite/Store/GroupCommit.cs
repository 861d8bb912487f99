using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Akka.Persistence.Sqlite.Store;

/// <summary>
/// The one writer of a database: a thread that takes all requests that wait, carries them out in one transaction, and
/// answers them after the commit. While the disk syncs one group the next gathers, so the dearer a sync is, the more
/// requests share it. Requests are carried out in the order they came, so a read here sees every earlier write.
/// </summary>
internal sealed class GroupCommit : IDisposable
{
    private readonly StoreSettings _settings;
    private readonly string _initialize;
    private readonly BlockingCollection<Request> _waiting;
    private readonly Thread _thread;
    private StoreConnection _connection;

    public GroupCommit(StoreSettings settings, string initialize)
    {
        _settings = settings;
        _initialize = settings.AutoInitialize ? initialize : null;
        _waiting = new BlockingCollection<Request>(settings.MaxWaiting);
        _thread = new Thread(Loop) { IsBackground = true, Name = $"{settings.Name} writer" };
        _thread.Start();
    }

    /// <summary>The number of transactions so far that wrote something.</summary>
    public long Commits { get; private set; }

    /// <param name="doing">For messages: "writing 3 events of x".</param>
    /// <param name="work">Runs on the writer's thread; twice if something else in its group fails.</param>
    /// <returns>Completes after the commit; fails with a <see cref="StoreException"/>.</returns>
    public Task<T> Do<T>(Func<string> doing, bool writes, Func<StoreConnection, T> work)
    {
        if (_settings.Problem is { } problem) return Task.FromException<T>(problem);
        var request = new Request<T>(doing, writes, work);
        try
        {
            if (!_waiting.TryAdd(request))
                throw new InvalidOperationException($"{_settings.Name}: {_settings.MaxWaiting} requests wait for \"{_settings.File}\" already (max-buffer-size).");
        }
        catch (Exception e) when (e is InvalidOperationException or ObjectDisposedException)
        {
            return Task.FromException<T>(_waiting.IsAddingCompleted ? Closed() : e);
        }
        return request.Result;
    }

    /// <summary>Carries out what waits, then closes the database.</summary>
    public void Dispose()
    {
        if (_waiting.IsAddingCompleted) return;
        _waiting.CompleteAdding();
        _thread.Join(_settings.Timeout + TimeSpan.FromSeconds(5));
    }

    private void Loop()
    {
        var group = new List<Request>(_settings.MaxBatch);
        foreach (var first in _waiting.GetConsumingEnumerable())
        {
            group.Add(first);
            while (group.Count < _settings.MaxBatch && _waiting.TryTake(out var next)) group.Add(next);
            Carry(group);
            group.Clear();
        }
        Close();
    }

    private void Carry(List<Request> group)
    {
        var failure = Transact(group);
        if (failure is not (null or StoreException { Everyones: true }) && group.Count > 1)
        {
            // One of them spoiled the transaction of all: each gets its own, so that only the guilty fail.
            foreach (var request in group) request.Finish(Transact([request]));
            return;
        }
        foreach (var request in group) request.Finish(failure);
    }

    private Exception Transact(List<Request> group)
    {
        var request = group[0];
        try
        {
            _connection ??= new StoreConnection(_settings, _initialize);
            var writes = group.Any(r => r.Writes);
            // IMMEDIATE: a lock that another process holds shows here, before any work.
            _connection.Run(writes ? "BEGIN IMMEDIATE" : "BEGIN");
            foreach (var each in group)
            {
                request = each;
                request.Run(_connection);
            }
            _connection.Run("COMMIT");
            if (writes) Commits++;
            return null;
        }
        catch (Exception e)
        {
            Rollback();
            return e is SqliteException sqlite ? StoreException.From(request.Doing(), _settings, sqlite) : e;
        }
    }

    // SQLite ends some transactions itself; then the rollback fails. That connection is given up, the next group opens another.
    private void Rollback()
    {
        if (_connection is null) return;
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
            // Nothing is lost: what was committed is in the log, and the next to open the file reads it from there.
        }
        _connection = null;
    }

    private ObjectDisposedException Closed() => new(_settings.Name, $"{_settings.Name} is closed; the actor system is stopping.");

    private abstract class Request(Func<string> doing, bool writes)
    {
        public Func<string> Doing { get; } = doing;
        public bool Writes { get; } = writes;
        public abstract void Run(StoreConnection connection);
        public abstract void Finish(Exception failure);
    }

    private sealed class Request<T>(Func<string> doing, bool writes, Func<StoreConnection, T> work) : Request(doing, writes)
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result;

        public Task<T> Result => _done.Task;
        public override void Run(StoreConnection connection) => _result = work(connection);

        public override void Finish(Exception failure)
        {
            if (failure is null) _done.SetResult(_result);
            else _done.SetException(failure);
        }
    }
}
