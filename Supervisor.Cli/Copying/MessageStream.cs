using Grpc.Core;

namespace Supervisor.Cli.Copying;

/// <summary>The data of a call's messages as a stream: read or written by the one thread that waits for the call.</summary>
/// <param name="read">The next data; null at the end.</param>
/// <param name="write">Sends data, which changes afterwards.</param>
internal sealed class MessageStream(
    Func<CancellationToken, Task<ReadOnlyMemory<byte>?>>? read, Func<ReadOnlyMemory<byte>, CancellationToken, Task>? write,
    CancellationToken cancel) : Stream
{
    private readonly byte[] _buffer = write is null ? [] : new byte[128 * 1024];
    private ReadOnlyMemory<byte> _left;
    private int _filled;

    public override bool CanRead => read is not null;
    public override bool CanSeek => false;
    public override bool CanWrite => write is not null;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Of the messages of a server.</summary>
    public static MessageStream Of<T>(
        IAsyncStreamReader<T> messages, Func<T, ReadOnlyMemory<byte>> data, CancellationToken cancel) =>
        new(async c => await messages.MoveNext(c) ? data(messages.Current) : default(ReadOnlyMemory<byte>?), null, cancel);

    public override int Read(Span<byte> buffer)
    {
        while (_left.IsEmpty)
        {
            if (read!(cancel).GetAwaiter().GetResult() is not { } next) return 0;
            _left = next;
        }
        var length = Math.Min(buffer.Length, _left.Length);
        _left.Span[..length].CopyTo(buffer);
        _left = _left[length..];
        return length;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var length = Math.Min(buffer.Length, _buffer.Length - _filled);
            buffer[..length].CopyTo(_buffer.AsSpan(_filled));
            _filled += length;
            buffer = buffer[length..];
            if (_filled == _buffer.Length) Flush();
        }
    }

    public override void Flush()
    {
        if (_filled > 0) write!(_buffer.AsMemory(0, _filled), cancel).GetAwaiter().GetResult();
        _filled = 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
