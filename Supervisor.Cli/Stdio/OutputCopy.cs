using Microsoft.Win32.SafeHandles;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Abi;

namespace Supervisor.Cli.Stdio;

/// <summary>Copies a container's output to ours on a thread of its own, until the daemon closes its end.</summary>
internal sealed class OutputCopy
{
    // No pipe holds more of what was written before an exit: /proc/sys/fs/pipe-max-size of root's, and a terminal's buffer.
    private const long MostPending = 2 << 20;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _readerGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SafeFileHandle _from;
    private readonly int _to;
    private readonly ForegroundLog? _log;
    private long _copied;
    private volatile bool _writing, _stopped;

    /// <param name="from">The reading end of a FIFO that has, or had, a writer.</param>
    /// <param name="to">Our stdout or stderr, by number.</param>
    /// <param name="log">Also receives the output; null for none.</param>
    public OutputCopy(SafeFileHandle from, int to, ForegroundLog? log)
    {
        (_from, _to, _log) = (from, to, log);
        new Thread(Run) { IsBackground = true, Name = $"output {to}" }.Start();
    }

    /// <summary>Completes when our output has no reader any more; then the container's pipe is closed too, and breaks.</summary>
    public Task ReaderClosed => _readerGone.Task;

    /// <summary>Why our output cannot be written, once <see cref="ReaderClosed"/>; null if only its reader is gone.</summary>
    public CliException? Failure { get; private set; }

    /// <summary>Stops forwarding. The reading end stays open until the process exits.</summary>
    public void Stop() => _stopped = true;

    /// <summary>
    /// Waits for the end of the output. A process that outlived ours may hold the pipe open forever, and write
    /// to it: after <paramref name="idle"/> we stop as soon as all that was written before is copied, as docker does. The reader
    /// of our own output may take any time.
    /// </summary>
    public async Task DrainAsync(TimeSpan idle)
    {
        var (from, before) = (Environment.TickCount64, Volatile.Read(ref _copied));
        while (!_ended.Task.IsCompleted)
        {
            var left = idle.TotalMilliseconds - (Environment.TickCount64 - from);
            if (left <= 0 && (IsEmpty() || Volatile.Read(ref _copied) - before > MostPending)) return;
            await Task.WhenAny(_ended.Task, Task.Delay(TimeSpan.FromMilliseconds(Math.Clamp(left, 10, idle.TotalMilliseconds))));
        }
    }

    /// <summary>Whether nothing is in the pipe, nor taken from it and not written: see the order in <see cref="Run"/>.</summary>
    private bool IsEmpty()
    {
        try
        {
            return !RawIo.HasInput(_from) && !_writing;
        }
        catch (ObjectDisposedException)
        {
            return true; // our own reader is gone
        }
    }

    private void Run()
    {
        using var to = new SafeFileHandle(_to, ownsHandle: false);
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                RawIo.WaitForInput(_from);
                _writing = true; // before the pipe can be found empty
                var length = RawIo.Read(_from, buffer);
                if (length <= 0 || _stopped) break;
                _log?.Write(buffer.AsSpan(0, length), isError: _to == 2);
                if (RawIo.WriteAll(to, buffer.AsSpan(0, length)) is var failure and not Errno.None)
                {
                    Failure = OutputFailure.Of(failure, _to);
                    _from.Dispose();
                    _readerGone.TrySetResult();
                    return;
                }
                Volatile.Write(ref _copied, _copied + length);
                _writing = false;
            }
        }
        finally
        {
            _writing = false;
            _ended.TrySetResult();
        }
    }
}
