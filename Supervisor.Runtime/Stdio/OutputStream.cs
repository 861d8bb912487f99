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
    public RotatingLog? Log { get; init; }

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
    public static RotatingLog? OpenLog(string target, string field, Action<Exception> onError)
    {
        if (!LogTarget.Is(target)) return null;
        try
        {
            return new RotatingLog(LogTarget.Parse(target, field), onError);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidStdioException(field, e.Message);
        }
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

    public static OutputStream Resume(EventLoop loop, OutputHandover from, Action<Exception> onError)
    {
        if (from.Log.Length == 0)
            return new OutputStream { Unread = from.Reading is null ? null : UnreadOutput.Resume(from.Reading) };
        var stream = new OutputStream {
            Log = new RotatingLog(LogTarget.Parse(from.Log, "stdout"), onError), Pipe = from.Reading };
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
