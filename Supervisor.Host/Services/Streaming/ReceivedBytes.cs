using Containerd.Types.Transfer;
using Grpc.Core;

namespace Supervisor.Host.Services.Streaming;

/// <summary>The bytes that a client sends, as far as it is allowed to: what is not read holds the client back.</summary>
internal sealed class ReceivedBytes(ClientStream stream) : Stream
{
    private const int Window = 1 << 20;

    private ReadOnlyMemory<byte> _rest;
    private int _allowed;
    private bool _ended;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_rest.IsEmpty && !_ended)
        {
            if (_allowed < Window / 2)
            {
                await stream.SendAsync(new WindowUpdate { Update = Window - _allowed }, cancellationToken);
                _allowed = Window;
            }
            if (await stream.ReceiveAsync(cancellationToken) is not { } message)
            {
                _ended = true;
                break;
            }
            _rest = (StreamMessages.TryUnpack<Data>(message) ?? throw GrpcTranslation.Refuse(
                StatusCode.InvalidArgument, $"the stream has a \"{message.TypeUrl}\" where bytes were expected")).Data_.Memory;
            if (_rest.Length > _allowed)
                throw GrpcTranslation.Refuse(
                    StatusCode.InvalidArgument, $"the stream has {_rest.Length} bytes where {_allowed} are allowed");
            _allowed -= _rest.Length;
        }
        var count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override bool CanRead => true;
    public override bool CanWrite => false;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("it is read asynchronously");
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
