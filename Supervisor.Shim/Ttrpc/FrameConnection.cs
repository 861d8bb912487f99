using Supervisor.Kernel;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Shim.Ttrpc;

/// <summary>A connection that carries frames, either side of it. All on the loop's thread; nothing blocks.</summary>
internal sealed class FrameConnection : IDisposable
{
    private const int MostWaiting = 2 * TtrpcFrame.LongestPayload, ReadSize = 16 << 10, ReadsAtOnce = 16;
    [ThreadStatic] private static byte[]? _buffer; // one for all connections of a loop
    private readonly StreamSocket _socket;
    private readonly EventLoop.Watch _watch;
    private readonly FrameReader _reader = new();
    private readonly Queue<byte[]> _waiting = new();
    private readonly Action<TtrpcFrame> _onFrame;
    private readonly Action<string> _onEnd;
    private int _waitingBytes, _headSent;
    private bool _ended, _awaitsRoom;

    /// <param name="socket">Connected; this owns it.</param>
    /// <param name="onEnd">Called once, with the reason, unless this is disposed of first.</param>
    public FrameConnection(EventLoop loop, StreamSocket socket, Action<TtrpcFrame> onFrame, Action<string> onEnd)
    {
        (_socket, _onFrame, _onEnd) = (socket, onFrame, onEnd);
        _watch = loop.Add(socket.Fd.Number, EpollEvents.EPOLLIN, OnReady);
    }

    /// <summary>Sends a frame, now or when the peer takes it. A peer that takes nothing for too long is disconnected.</summary>
    public void Send(byte[] frame)
    {
        if (_ended) return;
        if (_waitingBytes + frame.Length > MostWaiting)
        {
            End($"it does not read: {_waitingBytes} bytes wait for it");
            return;
        }
        _waiting.Enqueue(frame);
        _waitingBytes += frame.Length;
        Flush();
    }

    public void Dispose()
    {
        if (_ended) return;
        _ended = true;
        _watch.Dispose();
        _socket.Dispose();
    }

    private void OnReady(EpollEvents events)
    {
        if ((events & EpollEvents.EPOLLOUT) != 0) Flush();
        if ((events & (EpollEvents.EPOLLIN | EpollEvents.EPOLLHUP | EpollEvents.EPOLLERR)) == 0) return;
        try
        {
            // A few at a time: a peer that sends without end must not keep the loop from the others.
            for (var i = 0; i < ReadsAtOnce && !_ended; i++)
            {
                if (_socket.TryReceive(_buffer ??= new byte[ReadSize]) is not { } got) return;
                if (got == 0)
                {
                    End("connection closed");
                    return;
                }
                Take(_buffer.AsSpan(0, got));
                if (got < ReadSize) return;
            }
        }
        catch (SyscallException e)
        {
            End(e.Message);
        }
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        while (!_ended && _reader.Read(ref bytes) is { } frame) _onFrame(frame);
    }

    private void Flush()
    {
        try
        {
            while (!_ended && _waiting.TryPeek(out var next))
            {
                if (_socket.TrySend(next.AsSpan(_headSent)) is not { } sent) break;
                _waitingBytes -= sent;
                if ((_headSent += sent) < next.Length) continue;
                _waiting.Dequeue();
                _headSent = 0;
            }
            if (_ended || _awaitsRoom == _waiting.Count > 0) return;
            _awaitsRoom = !_awaitsRoom;
            _watch.Change(EpollEvents.EPOLLIN | (_awaitsRoom ? EpollEvents.EPOLLOUT : EpollEvents.None));
        }
        catch (SyscallException e)
        {
            End(e.Message);
        }
    }

    private void End(string why)
    {
        if (_ended) return;
        Dispose();
        _onEnd(why);
    }
}
