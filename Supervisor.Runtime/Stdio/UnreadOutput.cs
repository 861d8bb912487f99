using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Keeps a FIFO's content when its last writer closes it. While the process lives, only a read end is held, so that a reader
/// gets end of file when the process closes its output. When it has exited and something is unread, a write end is held too, so
/// that a late reader can open the FIFO. Both are closed when it is read empty, which is its reader's end of file.
/// </summary>
/// <remarks>
/// The kernel does not report that a FIFO has become empty: it is polled with growing intervals while something is in it.
/// </remarks>
internal sealed class UnreadOutput : IDisposable
{
    private const int FirstWait = 2, LongestWait = 1000; // milliseconds
    private readonly Fd _reading;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Fd? _writing;
    private Timer? _timer;
    private int _wait = FirstWait;

    private UnreadOutput(Fd reading) => _reading = reading;

    /// <summary>The read end, for the process that continues in our place.</summary>
    public Fd Reading => _reading;

    /// <summary>Completes when the process has exited and all is read, or this is disposed.</summary>
    public Task Read => _read.Task;

    /// <returns>Null where the stream is no FIFO.</returns>
    public static UnreadOutput? TryHold(Fd stream) =>
        FileStatus.Of(stream).IsFifo
            ? new UnreadOutput(Fd.Open($"/proc/self/fd/{stream.Number}", OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK)) : null;

    /// <param name="reading">The <see cref="Reading"/> that was handed over.</param>
    public static UnreadOutput Resume(Fd reading) => new(reading);

    /// <summary>The process exited. Further calls do nothing.</summary>
    public void OnProcessExited()
    {
        lock (_gate)
        {
            if (_reading.IsClosed || _timer is not null || CloseIfEmpty()) return;
            _writing = Fd.Open($"/proc/self/fd/{_reading.Number}", OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK);
            _timer = new Timer(_ => Look(), null, _wait, Timeout.Infinite);
        }
    }

    public void Dispose()
    {
        lock (_gate) Close();
    }

    private void Look()
    {
        lock (_gate)
        {
            if (_reading.IsClosed || CloseIfEmpty()) return;
            _wait = Math.Min(_wait * 2, LongestWait);
            _timer!.Change(_wait, Timeout.Infinite);
        }
    }

    private unsafe bool CloseIfEmpty()
    {
        int unread;
        if (ioctl(_reading.Number, FIONREAD, &unread) == 0 && unread > 0) return false;
        Close();
        return true;
    }

    private void Close()
    {
        _timer?.Dispose();
        _writing?.Dispose();
        _reading.Dispose();
        _read.TrySetResult();
    }
}
