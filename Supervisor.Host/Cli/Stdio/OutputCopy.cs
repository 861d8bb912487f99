using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;

namespace Supervisor.Host.Cli.Stdio;

/// <summary>Copies a container's output to ours on a thread of its own, until the daemon closes its end.</summary>
internal sealed class OutputCopy
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _readerGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SafeFileHandle _from;
    private readonly int _to;
    private readonly ForegroundLog? _log;
    private long _lastProgress = Environment.TickCount64;
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
    /// Waits for the end of the output. A process that outlived the container may hold the pipe open forever: after
    /// <paramref name="idle"/> without output we stop waiting. The reader of our own output may take any time.
    /// </summary>
    public async Task DrainAsync(TimeSpan idle)
    {
        var from = Environment.TickCount64;
        while (!_ended.Task.IsCompleted)
        {
            var quietSince = Math.Max(from, Volatile.Read(ref _lastProgress));
            var left = idle.TotalMilliseconds - (Environment.TickCount64 - quietSince);
            if (left <= 0 && !_writing) return;
            await Task.WhenAny(_ended.Task, Task.Delay(TimeSpan.FromMilliseconds(Math.Clamp(left, 10, idle.TotalMilliseconds))));
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
                var length = RawIo.Read(_from, buffer);
                if (length <= 0 || _stopped) break;
                _writing = true;
                _log?.Write(buffer.AsSpan(0, length));
                if (RawIo.WriteAll(to, buffer.AsSpan(0, length)) is var failure and not Errno.None)
                {
                    Failure = OutputFailure.Of(failure, _to);
                    _from.Dispose();
                    _readerGone.TrySetResult();
                    return;
                }
                Volatile.Write(ref _lastProgress, Environment.TickCount64);
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
