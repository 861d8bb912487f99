using Supervisor.Kernel;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Ttrpc;

/// <summary>A connection to a server, for one call at a time. All on the loop's thread.</summary>
internal sealed class TtrpcClient : IDisposable
{
    private readonly FrameConnection _connection;
    private readonly Action<TtrpcResponse> _onResponse;
    private readonly Action<string> _onEnd;
    private uint _stream;

    private TtrpcClient(EventLoop loop, StreamSocket socket, Action<TtrpcResponse> onResponse, Action<string> onEnd)
    {
        (_onResponse, _onEnd) = (onResponse, onEnd);
        _connection = new FrameConnection(loop, socket, Take, onEnd);
    }

    /// <param name="onEnd">Called once, with the reason, when the connection is lost; not after a disposal.</param>
    /// <returns>Null when no process listens there.</returns>
    /// <exception cref="SyscallException">Another errno; EAGAIN when the listener's queue is full.</exception>
    public static TtrpcClient? TryConnect(
        EventLoop loop, string path, Action<TtrpcResponse> onResponse, Action<string> onEnd) =>
        UnixSocket.TryConnect(SOCK_STREAM | SOCK_NONBLOCK, path) is { } socket
            ? new TtrpcClient(loop, new StreamSocket(socket), onResponse, onEnd) : null;

    public void Call(TtrpcRequest request, params ReadOnlySpan<(string Key, string Value)> metadata)
    {
        _stream = _stream == 0 ? 1 : _stream + 2;
        _connection.Send(TtrpcFrame.Encode(_stream, FrameType.Request, request.Write(metadata).Written));
    }

    public void Dispose() => _connection.Dispose();

    private void Take(TtrpcFrame frame)
    {
        if (frame.Type is not FrameType.Response || frame.Stream != _stream || frame.Payload is null) return;
        try
        {
            _onResponse(TtrpcResponse.Read(frame.Payload));
        }
        catch (InvalidDataException e)
        {
            Dispose();
            _onEnd($"the response is malformed: {e.Message}");
        }
    }
}
