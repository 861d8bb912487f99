using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Supervisor.ShimService;

/// <summary>
/// Accepts clients, and knows when there has been none for a while. Accepting stops before we exit: a client that connects then
/// waits in the socket's queue, which is the shim's, and meets the next front.
/// </summary>
internal sealed class ClientConnections : IConnectionListenerFactory, IConnectionListener
{
    private readonly Socket _listener;
    private readonly SocketConnectionContextFactory _connections =
        new(new SocketConnectionFactoryOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
    private CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeSpan _patience;
    private readonly Timer _timer;
    private readonly Lock _gate = new();
    private int _open;
    private bool _ends;

    /// <param name="listener">The descriptor of the listening socket. Only its kernel's last holder ends it: the shim.</param>
    /// <param name="patience">How long there may be no client.</param>
    public ClientConnections(int listener, TimeSpan patience)
    {
        _listener = new Socket(new SafeSocketHandle(listener, ownsHandle: false));
        _patience = patience;
        _timer = new Timer(_ => Stop(), null, patience, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Completes when there has been no client for a while, and no more are accepted.</summary>
    public Task Idle => _idle.Task;

    public EndPoint EndPoint { get; } = new UnixDomainSocketEndPoint("/");

    public void StopAccepting()
    {
        lock (_gate)
        {
            _ends = true;
            _stopping.Cancel();
        }
    }

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var accepted = await _listener.AcceptAsync(_stopping.Token);
            lock (_gate)
            {
                _open++;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                // It came just when the time was over: we stay.
                if (!_ends && _stopping.IsCancellationRequested) _stopping = new CancellationTokenSource();
            }
            var connection = _connections.Create(accepted);
            connection.ConnectionClosed.Register(Closed);
            return connection;
        }
        catch (OperationCanceledException)
        {
            _idle.TrySetResult();
            return null;
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        StopAccepting();
        return default;
    }

    public ValueTask DisposeAsync() => default;

    private void Closed()
    {
        lock (_gate)
        {
            if (--_open == 0) _timer.Change(_patience, Timeout.InfiniteTimeSpan);
        }
    }

    private void Stop()
    {
        lock (_gate)
        {
            if (_open == 0) _stopping.Cancel();
        }
    }
}
