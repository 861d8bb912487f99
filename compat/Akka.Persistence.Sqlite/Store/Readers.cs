using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Akka.Persistence.Sqlite.Store;

/// <summary>Connections for long reads, a bounded number, beside the writer: in WAL mode neither waits for the other.</summary>
internal sealed class Readers(StoreSettings settings) : IDisposable
{
    private readonly SemaphoreSlim _free = new(settings.MaxReaders);
    private readonly ConcurrentBag<StoreConnection> _idle = [];
    private volatile bool _disposed;

    /// <exception cref="StoreException">As a failed task.</exception>
    public async Task Read(Func<string> doing, Action<StoreConnection> work)
    {
        await _free.WaitAsync().ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            await Task.Run(() => Use(doing, work)).ConfigureAwait(false);
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Waits, not for ever, for reads that go on: the last connection to be closed puts the write-ahead log into the database.</summary>
    public void Dispose()
    {
        _disposed = true;
        var end = DateTime.UtcNow + settings.Timeout;
        var taken = 0;
        while (taken < settings.MaxReaders && _free.Wait(TimeSpan.FromTicks(Math.Max(0, (end - DateTime.UtcNow).Ticks)))) taken++;
        CloseIdle();
        if (taken > 0) _free.Release(taken);
    }

    private void CloseIdle()
    {
        while (_idle.TryTake(out var connection)) connection.Dispose();
    }

    private void Use(Func<string> doing, Action<StoreConnection> work)
    {
        StoreConnection connection = null;
        var healthy = false;
        try
        {
            connection = _idle.TryTake(out var idle) ? idle : new StoreConnection(settings, null);
            work(connection);
            healthy = true;
        }
        catch (SqliteException e)
        {
            throw StoreException.From(doing(), settings, e);
        }
        finally
        {
            if (healthy) _idle.Add(connection);
            else connection?.Dispose();
            if (_disposed) CloseIdle();
        }
    }
}
