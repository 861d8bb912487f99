using Grpc.Core;
using Supervisor.Client.Connection;
using Supervisor.Client.Errors;

namespace Supervisor.Client.Events;

/// <summary>Events of the tasks of a namespace, in their order, until it is disposed or the enumeration is cancelled.</summary>
/// <remarks>
/// A lost connection is made again, for as long as that takes. On a Supervisor daemon the subscription then continues where it
/// was: nothing is missed and nothing comes twice. containerd keeps no events: an event of <see cref="EventKind.Unknown"/>
/// with an <see cref="ProcessEvent.Error"/> then says that some may be missing; so it does when the daemon's history no longer
/// reaches back. One enumeration at a time.
/// </remarks>
public sealed class EventSubscription : IAsyncEnumerable<ProcessEvent>, IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50), LongestPause = TimeSpan.FromSeconds(2);

    private readonly DaemonConnection _connection;
    private readonly CancellationTokenSource _disposed = new();
    private EventSource? _source;
    private bool _hasHistory;
    private long _next;
    private int _isEnumerated;
    private bool _isReconnected;
    private string? _gap;

    private EventSubscription(DaemonConnection connection, long from) => (_connection, _next) = (connection, from);

    internal static async Task<EventSubscription> OpenAsync(DaemonConnection connection, long from, CancellationToken cancel)
    {
        var subscription = new EventSubscription(connection, from);
        try
        {
            await subscription.ConnectAsync(isFirst: true, cancel);
            return subscription;
        }
        catch (RpcException e)
        {
            await subscription.DisposeAsync();
            cancel.ThrowIfCancellationRequested();
            throw connection.Failure("subscribe to events", e);
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">It is being enumerated.</exception>
    public async IAsyncEnumerator<ProcessEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _isEnumerated, 1) == 1)
            throw new InvalidOperationException("the subscription is being enumerated: open another one");
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
            while (true) yield return await NextAsync(either.Token);
        }
        finally
        {
            Volatile.Write(ref _isEnumerated, 0);
        }
    }

    /// <summary>Ends it: an enumeration ends with <see cref="OperationCanceledException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        _source?.Dispose();
    }

    private async Task<ProcessEvent> NextAsync(CancellationToken cancel)
    {
        for (var pause = FirstPause; ;)
        {
            try
            {
                if (_source is null && await ReconnectAsync(cancel) is { } gap) return gap;
                if (await _source!.NextAsync(cancel) is { } received)
                {
                    _next = received.Number + 1;
                    return received.ToProcessEvent();
                }
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.OutOfRange && _isReconnected)
            {
                _next = 0; // of new events
                _gap = $"the daemon's history does not continue where the subscription was: {e.Status.Detail}";
            }
            catch (RpcException e)
            {
                Disconnect(); // cancelled or failed, the call is over: another enumeration makes a new one
                cancel.ThrowIfCancellationRequested();
                if (!DaemonConnection.IsLost(e)) throw _connection.Failure("follow events", e);
            }
            catch (TimeoutException)
            {
                // The daemon does not answer: it may have been replaced when it is asked again.
            }
            Disconnect();
            await Task.Delay(pause, cancel);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private void Disconnect()
    {
        _source?.Dispose();
        _source = null;
    }

    /// <returns>Null, or what says that events may be missing.</returns>
    private async Task<ProcessEvent?> ReconnectAsync(CancellationToken cancel)
    {
        await ConnectAsync(isFirst: false, cancel);
        _isReconnected = true;
        var gap = _hasHistory ? _gap : "the connection was lost, and containerd keeps no events: some may be missing";
        _gap = null;
        return gap is null ? null : new ProcessEvent
        {
            Kind = EventKind.Unknown, Error = $"{_connection.Options.Address}: {gap}", Timestamp = DateTimeOffset.UtcNow,
        };
    }

    private async Task ConnectAsync(bool isFirst, CancellationToken cancel)
    {
        try
        {
            _source = isFirst || _hasHistory
                ? await EventSource.OpenHistoryAsync(_connection, _next, cancel)
                : await EventSource.OpenNewAsync(_connection, cancel);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unimplemented && isFirst && _next == 0)
        {
            _source = await EventSource.OpenNewAsync(_connection, cancel);
        }
        _hasHistory = _source.HasHistory;
        if (_next == 0) _next = _source.Start;
    }
}
