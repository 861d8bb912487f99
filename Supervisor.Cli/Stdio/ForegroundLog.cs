using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Stdio;

/// <summary>
/// The log of a container in the foreground: we copy its output there, so that <c>logs</c> works as for a detached one.
/// </summary>
/// <remarks>
/// If it cannot be written, the container and its output continue: the log is then incomplete, which is reported once.
/// </remarks>
internal sealed class ForegroundLog : IDisposable
{
    private readonly Lock _gate = new(); // between the two outputs
    private RotatingLog? _log;

    private ForegroundLog()
    {
    }

    /// <summary>Opens the log; one that cannot be opened discards the output.</summary>
    public static ForegroundLog Open(LogTarget target)
    {
        var log = new ForegroundLog();
        try
        {
            log._log = new RotatingLog(target, log.Tell);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Tell(e);
        }
        return log;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            while (!bytes.IsEmpty && _log?.TryWrite(bytes) is { } written) bytes = bytes[written..];
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _log?.Dispose();
            _log = null;
        }
    }

    private void Tell(Exception e) =>
        Console.Error.WriteLine($"supervisor: {(e.InnerException ?? e).Message}: the container's log is incomplete");
}
