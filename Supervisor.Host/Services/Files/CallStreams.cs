using Google.Protobuf;
using Grpc.Core;

namespace Supervisor.Host.Services.Files;

/// <summary>
/// The data of a call's messages, as a stream for the thread of a copy. That thread waits for the client itself: no more than a
/// message is buffered here.
/// </summary>
internal abstract class CallStream : Stream
{
    public override bool CanRead => false;
    public override bool CanWrite => false;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>Data from the client.</summary>
/// <param name="data">Of a message.</param>
internal sealed class RequestStream<T>(IAsyncStreamReader<T> requests, Func<T, ByteString> data, CopyProgress progress)
    : CallStream
{
    private ReadOnlyMemory<byte> _left;

    public override bool CanRead => true;

    public override int Read(Span<byte> buffer)
    {
        while (_left.IsEmpty)
        {
            if (!requests.MoveNext(progress.Token).GetAwaiter().GetResult()) return 0;
            _left = data(requests.Current).Memory;
            progress.Made();
        }
        var length = Math.Min(buffer.Length, _left.Length);
        _left.Span[..length].CopyTo(buffer);
        _left = _left[length..];
        return length;
    }
}

/// <summary>Data to the client.</summary>
/// <param name="message">Makes one of some data, which changes after it was sent.</param>
internal sealed class ResponseStream<T>(IServerStreamWriter<T> responses, Func<ByteString, T> message, CopyProgress progress)
    : CallStream
{
    private readonly byte[] _buffer = new byte[128 * 1024];
    private int _filled;

    public override bool CanWrite => true;

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        progress.Made();
        while (!bytes.IsEmpty)
        {
            var length = Math.Min(bytes.Length, _buffer.Length - _filled);
            bytes[..length].CopyTo(_buffer.AsSpan(_filled));
            _filled += length;
            bytes = bytes[length..];
            if (_filled == _buffer.Length) Flush();
        }
    }

    public override void Flush()
    {
        if (_filled == 0) return;
        var data = UnsafeByteOperations.UnsafeWrap(_buffer.AsMemory(0, _filled));
        responses.WriteAsync(message(data), progress.Token).GetAwaiter().GetResult();
        _filled = 0;
        progress.Made();
    }
}
