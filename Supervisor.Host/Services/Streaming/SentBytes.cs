using Containerd.Types.Transfer;
using Google.Protobuf;
using Grpc.Core;

namespace Supervisor.Host.Services.Streaming;

/// <summary>Bytes for a client, no more than it allows.</summary>
internal sealed class SentBytes(ClientStream stream) : Stream
{
    private const int Piece = 32 * 1024; // what containerd's clients expect at most

    private long _allowed;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            while (_allowed == 0) await AllowAsync(cancellationToken);
            var count = (int)Math.Min(Math.Min(buffer.Length, Piece), _allowed);
            await stream.SendAsync(new Data { Data_ = ByteString.CopyFrom(buffer.Span[..count]) }, cancellationToken);
            _allowed -= count;
            buffer = buffer[count..];
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override bool CanRead => false;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("it is written asynchronously");

    private async Task AllowAsync(CancellationToken cancel)
    {
        var message = await stream.ReceiveAsync(cancel) ?? throw new IOException("the client reads no more of the stream");
        var update = StreamMessages.TryUnpack<WindowUpdate>(message)?.Update ?? throw GrpcTranslation.Refuse(
            StatusCode.InvalidArgument, $"the stream has a \"{message.TypeUrl}\" where a WindowUpdate was expected");
        if (update <= 0) throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "a WindowUpdate must be positive");
        _allowed = Math.Min(_allowed + update, int.MaxValue);
    }
}
