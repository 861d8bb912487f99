namespace Supervisor.Client.Stdio;

/// <summary>
/// A process's standard input. Closing the FIFO alone would not end it, for the daemon keeps it open: so closing also asks the
/// daemon to close its end.
/// </summary>
internal sealed class ProcessInput(Stream fifo, Func<Task> closed) : Stream
{
    private bool _isClosed;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => !_isClosed;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() => fifo.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => fifo.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => fifo.Write(buffer);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        fifo.WriteAsync(buffer, offset, count, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        fifo.WriteAsync(buffer, cancellationToken);

    /// <summary>Closes our end alone: another client may attach to the process later.</summary>
    public void Detach()
    {
        _isClosed = true;
        fifo.Dispose();
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_isClosed)
        {
            Detach();
            await closed();
        }
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            Detach();
            Task.Run(closed).GetAwaiter().GetResult(); // it has the deadline of a call
        }
        base.Dispose(disposing);
    }
}
