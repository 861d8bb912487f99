using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// Our part in one of a process's two outputs: relay a pipe to a log, keep a FIFO's content, or nothing.
/// </summary>
internal sealed class OutputStream : IDisposable
{
    private Pump? _pump;

    /// <summary>Filled from <see cref="Pipe"/> or from a terminal; null for none.</summary>
    public LogStream? Log { get; init; }

    /// <summary>The end that we read from.</summary>
    public Fd? Pipe { get; init; }

    /// <summary>Null where the output is no FIFO.</summary>
    public UnreadOutput? Unread { get; init; }

    /// <summary>See <see cref="ProcessStdio.Drained"/>.</summary>
    public Task Drained => _pump?.Ended ?? Task.CompletedTask;

    /// <summary>See <see cref="UnreadOutput.Read"/>.</summary>
    public Task Read => Unread?.Read ?? Task.CompletedTask;

    /// <returns>Null where the target is no log.</returns>
    /// <exception cref="InvalidStdioException">It cannot be opened, or the target is malformed.</exception>
    public static LogStream? OpenLog(string target, string field, Action<Exception> onError)
    {
        if (!LogTarget.Is(target)) return null;
        try
        {
            return LogStream.Open(LogTarget.Parse(target, field), onError);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidStdioException(field, e.Message);
        }
    }

    /// <summary>The end of a pipe for a process's output, which a log gets.</summary>
    public static (Fd ForChild, OutputStream Stream) Into(LogStream log)
    {
        var (reading, writing) = Kernel.Files.Pipe.Create();
        StdioFiles.SetNonBlocking(reading);
        return (writing, new OutputStream { Log = log, Pipe = reading });
    }

    public void Relay(EventLoop loop, byte[]? pending = null) =>
        _pump = new Pump(loop, Pipe!, destination: null, Log, pending ?? []);

    /// <param name="stop">Whether we stop relaying.</param>
    public OutputHandover HandOver(bool stop)
    {
        var pending = stop ? _pump?.Stop() ?? [] : [];
        if (Log is null) return new OutputHandover(Unread?.Reading is { IsClosed: false } unread ? unread : null, "", []);
        return new OutputHandover(
            _pump is { HasEnded: false } && Pipe is { IsClosed: false } pipe ? pipe : null, Log.Target.ToString(), pending);
    }

    /// <param name="beside">The process's other output; it may have the same log.</param>
    public static OutputStream Resume(
        EventLoop loop, OutputHandover from, Action<Exception> onError, OutputStream? beside = null)
    {
        if (from.Log.Length == 0)
            return new OutputStream { Unread = from.Reading is null ? null : UnreadOutput.Resume(from.Reading) };
        var target = LogTarget.Parse(from.Log, "stdout");
        var stream = new OutputStream {
            Log = beside?.Log is { } shared && shared.Target == target ? shared.ForErrors() : LogStream.Open(target, onError),
            Pipe = from.Reading };
        if (from.Reading is not null) stream.Relay(loop, from.Pending);
        return stream;
    }

    public void Dispose()
    {
        _pump?.Close();
        Pipe?.Dispose();
        Log?.Dispose();
        Unread?.Dispose();
    }
}

/// <summary>One output, as one relay hands it to the next.</summary>
/// <param name="Reading">A pipe's end for <paramref name="Log"/>; without a log, the end of a FIFO whose content is kept;
/// null for neither.</param>
/// <param name="Log">A log (<see cref="LogTarget"/>), or empty.</param>
/// <param name="Pending">Read, and not yet in the log.</param>
internal sealed record OutputHandover(Fd? Reading, string Log, byte[] Pending);
