using System.Text;
using Microsoft.Win32.SafeHandles;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Abi;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Supervisor.Cli.Stdio;

/// <summary>Our standard output has no reader any more.</summary>
internal sealed class ReaderClosedException() : IOException("the output has no reader any more");

/// <summary>Our standard output: unlike Console's it reports that its reader is gone, or its disk full.</summary>
internal sealed class StandardOutput : Stream
{
    private readonly int _number;
    private readonly SafeFileHandle _file;
    private readonly CancellationTokenSource _readerGone = new();

    private StandardOutput(int number) => (_number, _file) = (number, new(number, ownsHandle: false));

    /// <summary>Our standard error, written in the same way.</summary>
    public static Stream Errors() => new StandardOutput(2);

    /// <summary>For Console, whose own stream ignores write errors.</summary>
    public static TextWriter Writer() => new StreamWriter(new StandardOutput(1), new UTF8Encoding(false)) { AutoFlush = true };

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Prints until <paramref name="print"/> returns or the reader is gone, which is also noticed while there is
    /// nothing to print.</summary>
    /// <param name="print">Its token is cancelled with <paramref name="cancel"/>, and when the reader is gone.</param>
    /// <exception cref="ReaderClosedException">The reader is gone.</exception>
    public static async Task PrintAsync(Func<StandardOutput, CancellationToken, Task> print, CancellationToken cancel)
    {
        var output = new StandardOutput(1);
        new Thread(output.Watch) { IsBackground = true, Name = "output's reader" }.Start();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, output._readerGone.Token);
        try
        {
            await print(output, either.Token);
        }
        catch (Exception e) when (output._readerGone.IsCancellationRequested && e is not ReaderClosedException)
        {
            throw new ReaderClosedException();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ReaderClosedException">The reader is gone.</exception>
    /// <exception cref="CliException">A write failed for another reason, such as a full disk.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (RawIo.WriteAll(_file, buffer) is var failure and not Errno.None)
            throw (Exception?)OutputFailure.Of(failure, _number) ?? new ReaderClosedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    // A pipe without a reader is POLLERR, a socket or terminal POLLHUP: both are always reported. poll(2).
    private unsafe void Watch()
    {
        var wanted = new pollfd { fd = 1 };
        while (Native.poll(&wanted, 1, -1) < 0)
            if (Errno.Last is not Errno.EINTR) return;
        _readerGone.Cancel();
    }
}
