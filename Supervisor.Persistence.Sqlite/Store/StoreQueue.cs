using System.Diagnostics;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// The requests that wait for the store's thread, in the order of arrival. Any thread adds; one takes. Deferred requests wake
/// it only when they have waited for long and nothing else came.
/// </summary>
internal sealed class StoreQueue(int capacity)
{
    private static readonly TimeSpan DeferAtMost = TimeSpan.FromMilliseconds(20);
    private readonly object _gate = new();
    private List<StoreRequest> _waiting = [], _taken = [];
    private int _pressing; // those that wait and are not deferred
    private long _deferredSince; // of the first deferred one, in ticks of the stopwatch; 0 for none
    private bool _sleepsLong, _closed;

    public enum Admission { Added, Full, Closed }

    /// <summary>For tests.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _waiting.Count;
        }
    }

    public Admission Add(StoreRequest request)
    {
        lock (_gate)
        {
            if (_closed) return Admission.Closed;
            if (_waiting.Count >= capacity) return Admission.Full;
            _waiting.Add(request);
            if (request.Durability is not Durability.Deferred)
            {
                if (++_pressing == 1) Monitor.Pulse(_gate);
                return Admission.Added;
            }
            if (_deferredSince == 0) _deferredSince = Stopwatch.GetTimestamp();
            if (_sleepsLong) Monitor.Pulse(_gate);
            return Admission.Added;
        }
    }

    /// <summary>What waits can still be taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Sleeps until there are requests for a group, which is valid until the next call.</summary>
    /// <returns>An empty list after <paramref name="patience"/>; null when it is closed and empty.</returns>
    public List<StoreRequest>? Take(TimeSpan patience)
    {
        _taken.Clear();
        lock (_gate)
        {
            while (true)
            {
                if (_pressing > 0 || IsOverdue) return TakeGroup();
                if (_closed) return _waiting.Count > 0 ? TakeGroup() : null;
                var isDeferred = _deferredSince > 0;
                _sleepsLong = !isDeferred && (patience > DeferAtMost || patience < TimeSpan.Zero);
                var isWoken = Monitor.Wait(_gate, isDeferred ? DeferAtMost : patience);
                _sleepsLong = false;
                if (!isWoken && !isDeferred && _waiting.Count == 0) return _taken;
            }
        }
    }

    /// <summary>Adds what has come in the meantime to a group.</summary>
    public void TakeMore(List<StoreRequest> group)
    {
        lock (_gate)
        {
            group.AddRange(_waiting);
            _waiting.Clear();
            (_pressing, _deferredSince) = (0, 0);
        }
    }

    private bool IsOverdue => _deferredSince > 0 && Stopwatch.GetElapsedTime(_deferredSince) >= DeferAtMost;

    /// <summary>All that wait; but reads take no deferred requests with them, which would need a commit for them alone.</summary>
    private List<StoreRequest> TakeGroup()
    {
        if (_deferredSince > 0 && !_closed && !IsOverdue
            && _waiting.TrueForAll(r => r.Durability is Durability.Read or Durability.Deferred))
        {
            _taken.AddRange(_waiting.Where(r => r.Durability is Durability.Read));
            _waiting.RemoveAll(r => r.Durability is Durability.Read);
            _pressing = 0;
            return _taken;
        }
        (_waiting, _taken) = (_taken, _waiting);
        (_pressing, _deferredSince) = (0, 0);
        return _taken;
    }
}
