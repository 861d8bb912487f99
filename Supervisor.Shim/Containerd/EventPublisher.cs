using Supervisor.Kernel;
using Supervisor.Kernel.Polling;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// Sends events to containerd, one at a time and in order; each is sent until it is acknowledged, however long containerd is
/// away. All on the loop's thread.
/// </summary>
internal sealed class EventPublisher : IDisposable
{
    /// <summary>How many events may wait. Above it the shim starts no process, whose exit would have to wait too.</summary>
    public const int MostWaiting = 4096;

    private const string Service = "containerd.services.events.ttrpc.v1.Events", Metadata = "containerd-namespace-ttrpc";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), FirstWait = TimeSpan.FromMilliseconds(100),
        LongestWait = TimeSpan.FromSeconds(5);
    private const int TimerError = 20; // milliseconds
    private readonly EventLoop _loop;
    private readonly string _address, _namespace;
    private readonly Action<string> _log;
    private readonly LinkedList<TaskEvent> _waiting = [];
    private readonly Timer _timer;
    private TtrpcClient? _client;
    private TimeSpan _wait = FirstWait;
    private bool _isSent, _isResting, _isDisposed;
    private long _due; // the timer may have fired just before it was set again

    /// <param name="address">containerd's ttrpc socket.</param>
    /// <param name="namespace">containerd's namespace of the events.</param>
    public EventPublisher(EventLoop loop, string address, string @namespace, Action<string> log)
    {
        (_loop, _address, _namespace, _log) = (loop, address, @namespace, log);
        _timer = new Timer(_ => _loop.Post(OnTime), null, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Whether no more processes should be started.</summary>
    public bool IsFull => _waiting.Count >= MostWaiting;

    /// <summary>Called when every event is acknowledged; for a shim that wants to exit.</summary>
    public Action? OnEmpty { get; set; }

    public bool IsEmpty => _waiting.Count == 0;

    public void Publish(TaskEvent @event)
    {
        // Exits are bounded by the processes, which are no longer started then.
        if (IsFull && !@event.IsExit)
        {
            _log($"event {@event.Topic} is dropped: {_waiting.Count} wait for containerd at {_address}");
            return;
        }
        _waiting.AddLast(@event);
        if (!_isSent && !_isResting) SendNext();
    }

    public void Dispose()
    {
        _isDisposed = true;
        _timer.Dispose();
        _client?.Dispose();
    }

    private void SendNext()
    {
        if (_isDisposed) return;
        if (_waiting.First is not { } next)
        {
            OnEmpty?.Invoke();
            return;
        }
        try
        {
            _client ??= TtrpcClient.TryConnect(_loop, _address, OnResponse, Lost);
            if (_client is null)
            {
                Rest("no process listens there");
                return;
            }
            _isSent = true;
            Wait(Patience);
            _client.Call(
                new TtrpcRequest(Service, "Forward", next.Value.ToForwardRequest(_namespace), Patience), (Metadata, _namespace));
        }
        catch (SyscallException e)
        {
            Lost(e.Message);
        }
    }

    private void OnResponse(TtrpcResponse response)
    {
        if (!_isSent) return;
        _isSent = false;
        // An answer to an event that containerd will never take is an answer too: the events after it must go on.
        var refused = response.Code is StatusCode.InvalidArgument or StatusCode.Unimplemented or StatusCode.ResourceExhausted;
        if (response.Code is not StatusCode.Ok && !refused)
        {
            Rest(response.Message);
            return;
        }
        if (refused) _log($"containerd refused event {_waiting.First!.Value.Topic}: {response.Message}");
        _waiting.RemoveFirst();
        _wait = FirstWait;
        Wait(null);
        SendNext();
    }

    private void Lost(string why)
    {
        _client?.Dispose();
        _client = null;
        if (_isResting || _waiting.Count == 0) return; // nothing was sent
        Rest(why);
    }

    private void Rest(string why)
    {
        (_isSent, _isResting) = (false, true);
        if (_wait == FirstWait) _log($"{_waiting.Count} events wait for containerd at {_address}: {why}");
        Wait(_wait);
        _wait = TimeSpan.FromTicks(Math.Min(_wait.Ticks * 2, LongestWait.Ticks));
    }

    private void Wait(TimeSpan? time)
    {
        _due = Environment.TickCount64 + (long)(time ?? Patience).TotalMilliseconds;
        if (!_isDisposed) _timer.Change(time ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private void OnTime()
    {
        if (_isDisposed || Environment.TickCount64 < _due - TimerError) return;
        if (_isSent)
        {
            Lost($"no answer within {Patience.TotalSeconds:0} s");
            return;
        }
        _isResting = false;
        SendNext();
    }
}
