using Supervisor.Kernel;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Shim.Ttrpc;

/// <summary>
/// Serves unary calls on a unix socket to processes of our user. Calls of one connection run side by side, and are answered in
/// any order. All on the loop's thread.
/// </summary>
internal sealed class TtrpcServer : IDisposable
{
    private const int MostConnections = 64, MostCalls = 1024; // of a connection
    private readonly EventLoop _loop;
    private readonly EventLoop.Watch _watch;
    private readonly Action<TtrpcCall> _handle;
    private readonly Action<string> _log;
    private readonly HashSet<Peer> _peers = [];

    /// <param name="listener">Does not block; its owner closes it after this is disposed of.</param>
    /// <param name="handle">Answers a call, at once or later; must not throw.</param>
    public TtrpcServer(EventLoop loop, Fd listener, Action<TtrpcCall> handle, Action<string> log)
    {
        (_loop, _handle, _log) = (loop, handle, log);
        _watch = loop.Add(listener.Number, EpollEvents.EPOLLIN, _ =>
        {
            while (StreamSocket.TryAccept(listener) is { } socket) Accept(socket);
        });
    }

    /// <summary>Serves the connections that are there, and no more.</summary>
    public void StopAccepting() => _watch.Dispose();

    public void Dispose()
    {
        _watch.Dispose();
        foreach (var peer in _peers) peer.Connection.Dispose();
        _peers.Clear();
    }

    private void Accept(StreamSocket socket)
    {
        var (pid, uid) = UnixSocket.PeerOf(socket.Fd);
        if (uid != CurrentUser.Uid || _peers.Count >= MostConnections)
        {
            _log(uid != CurrentUser.Uid
                ? $"refused connection from process {pid}: it runs as user {uid}, not as ours"
                : $"refused connection from process {pid}: there are {MostConnections} connections already");
            socket.Dispose();
            return;
        }
        var peer = new Peer();
        peer.Connection = new FrameConnection(_loop, socket, frame => Take(peer, frame), _ => _peers.Remove(peer));
        _peers.Add(peer);
    }

    private void Take(Peer peer, TtrpcFrame frame)
    {
        if (frame.Type is FrameType.Data || frame is { Type: not FrameType.Request, Payload: not null })
            return; // of a stream, which was refused, or of a later version
        if (frame.Payload is null)
        {
            Answer(peer, frame.Stream, TooLong(frame.Length));
        }
        else if (frame.Stream % 2 == 0)
        {
            Refuse(StatusCode.InvalidArgument, $"stream {frame.Stream}: a client's streams have odd numbers");
        }
        else if (frame.Stream <= peer.LastStream)
        {
            Refuse(StatusCode.InvalidArgument, $"stream {frame.Stream}: it was used already, or is below {peer.LastStream}");
        }
        else
        {
            peer.LastStream = frame.Stream;
            if ((frame.Flags & FrameFlags.RemoteOpen) != 0)
                Refuse(StatusCode.Unimplemented, "this shim has no streaming methods");
            else if (peer.Calls >= MostCalls)
                Refuse(StatusCode.ResourceExhausted, $"{MostCalls} calls of this connection are open");
            else Call(peer, frame.Stream, frame.Payload);
        }

        void Refuse(StatusCode code, string message) => Answer(peer, frame.Stream, new TtrpcResponse(code, message, []));
    }

    private void Call(Peer peer, uint stream, byte[] payload)
    {
        peer.Calls++;
        TtrpcCall? call = null;
        try
        {
            call = new TtrpcCall(TtrpcRequest.Read(payload), response =>
            {
                peer.Calls--;
                Answer(peer, stream, response);
            });
            _handle(call);
        }
        catch (InvalidDataException e) when (call is null)
        {
            peer.Calls--;
            Answer(peer, stream, new TtrpcResponse(StatusCode.InvalidArgument, $"ttrpc request: {e.Message}", []));
        }
    }

    private static void Answer(Peer peer, uint stream, TtrpcResponse response)
    {
        var message = response.Write();
        if (message.Written.Length > TtrpcFrame.LongestPayload)
            message = TooLong(message.Written.Length).Write();
        peer.Connection.Send(TtrpcFrame.Encode(stream, FrameType.Response, message.Written));
    }

    /// <summary>As containerd says it.</summary>
    private static TtrpcResponse TooLong(long length) => new(
        StatusCode.ResourceExhausted, $"message length {length} exceed maximum message size of {TtrpcFrame.LongestPayload}", []);

    private sealed class Peer
    {
        public FrameConnection Connection { get; set; } = null!;

        public uint LastStream { get; set; }

        public int Calls { get; set; }
    }
}
