using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Serving;

/// <summary>
/// A connection to the daemon, or to a container's front. All on the loop's thread; messages that the peer does not take are
/// queued up to a limit, then the connection is closed.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int MostWaiting = 8192;
    private readonly PacketSocket _socket;
    private readonly EventLoop.Watch _watch;
    private readonly Queue<(ReadOnlyMemory<byte> Message, SafeHandle[] Handles)> _waiting = new();
    private readonly byte[] _buffer = new byte[PacketSocket.MaximumMessage];
    private readonly Action<Connection, ShimKind, long, MessageReader, List<Fd>> _onMessage;
    private readonly Action<Connection, string> _onEnd;
    private bool _ended, _paused;

    public Connection(EventLoop loop, PacketSocket socket, Action<Connection, ShimKind, long, MessageReader, List<Fd>> onMessage,
        Action<Connection, string> onEnd)
    {
        (_socket, _onMessage, _onEnd) = (socket, onMessage, onEnd);
        _watch = loop.Add(socket.Fd.Number, EpollEvents.EPOLLIN, OnReady);
    }

    public Fd Fd => _socket.Fd;

    /// <summary>The key of the container whose front this is; null for the daemon.</summary>
    public string? Container { get; init; }

    /// <summary>0 before the peer's hello.</summary>
    public int Version { get; set; }

    /// <summary>Stops reading until it is resumed.</summary>
    public void Pause(bool pause)
    {
        _paused = pause;
        Wait();
    }

    public void Send(MessageWriter message, params IEnumerable<SafeHandle> handles)
    {
        if (_ended) return;
        var all = handles.ToArray();
        if (_waiting.Count == 0 && TrySend(message.Written.Span, all)) return;
        if (_ended) return;
        if (_waiting.Count >= MostWaiting)
        {
            End("its send queue is full");
            return;
        }
        // Kept open until they are sent, even if their owner closes them meanwhile.
        foreach (var handle in all)
        {
            var kept = false;
            handle.DangerousAddRef(ref kept);
        }
        _waiting.Enqueue((message.Written, all));
        Wait();
    }

    public void Dispose()
    {
        _ended = true;
        while (_waiting.TryDequeue(out var waiting)) Release(waiting.Handles);
        _watch.Dispose();
        _socket.Dispose();
    }

    private void OnReady(EpollEvents events)
    {
        if ((events & EpollEvents.EPOLLOUT) != 0) Flush();
        if ((events & (EpollEvents.EPOLLIN | EpollEvents.EPOLLHUP | EpollEvents.EPOLLERR)) == 0) return;
        if (!_ended && !_paused) // one at a time: for the next one, if there is one, the loop calls again
        {
            var descriptors = new List<Fd>();
            try
            {
                if (_socket.TryReceive(_buffer, descriptors) is not { } length) return;
                if (length == 0)
                {
                    End("connection closed");
                    return;
                }
                var reader = new MessageReader(_buffer.AsMemory(0, length).ToArray());
                _onMessage(this, (ShimKind)reader.U8(), reader.I64(), reader, descriptors);
            }
            catch (Exception e)
            {
                End($"{e.GetType().Name}: {e.Message}"); // the daemon reconnects and lists all processes again
            }
            finally
            {
                foreach (var left in descriptors) left.Dispose();
            }
        }
        if (_paused && (events & EpollEvents.EPOLLHUP) != 0) End("connection closed");
    }

    private void Flush()
    {
        while (!_ended && _waiting.TryPeek(out var waiting) && TrySend(waiting.Message.Span, waiting.Handles))
            Release(_waiting.Dequeue().Handles);
        if (!_ended) Wait();
    }

    private bool TrySend(ReadOnlySpan<byte> message, SafeHandle[] handles)
    {
        Span<int> numbers = stackalloc int[handles.Length];
        for (var i = 0; i < handles.Length; i++) numbers[i] = (int)handles[i].DangerousGetHandle();
        try
        {
            return _socket.TrySend(message, numbers);
        }
        catch (SyscallException e)
        {
            End(e.Message);
            return false;
        }
    }

    private void Wait() =>
        _watch.Change((_paused ? EpollEvents.None : EpollEvents.EPOLLIN) | (
        _waiting.Count > 0 ? EpollEvents.EPOLLOUT : EpollEvents.None));

    private void End(string why)
    {
        if (_ended) return;
        Dispose();
        _onEnd(this, why);
    }

    private static void Release(SafeHandle[] handles)
    {
        foreach (var handle in handles) handle.DangerousRelease();
    }
}
