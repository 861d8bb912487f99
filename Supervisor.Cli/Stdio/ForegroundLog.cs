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
    private LogStream? _output, _errors;

    private ForegroundLog()
    {
    }

    /// <summary>Opens the log; one that cannot be opened discards the output.</summary>
    public static ForegroundLog Open(LogTarget target)
    {
        var log = new ForegroundLog();
        try
        {
            log._output = LogStream.Open(target, log.Tell);
            log._errors = log._output.ForErrors();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Tell(e);
        }
        return log;
    }

    /// <param name="isError">Whether they are of the standard error.</param>
    public void Write(ReadOnlySpan<byte> bytes, bool isError)
    {
        lock (_gate)
        {
            while (!bytes.IsEmpty && (isError ? _errors : _output)?.TryWrite(bytes) is { } written) bytes = bytes[written..];
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _output?.Dispose();
            _errors?.Dispose();
            _output = _errors = null;
        }
    }

    private void Tell(Exception e) =>
        Console.Error.WriteLine($"supervisor: {(e.InnerException ?? e).Message}: the container's log is incomplete");
}
