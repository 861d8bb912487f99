namespace Supervisor.Client.Stdio;

/// <summary>The streams of a process. Reads and writes are asynchronous, and end when they are cancelled.</summary>
/// <remarks>
/// Disposing detaches: the process keeps running, and another client may attach to it. Only one client at a time has the streams
/// of a process; the kernel holds that between processes (flock(2)).
/// </remarks>
public sealed class ProcessStdio : IAsyncDisposable, IDisposable
{
    private readonly ProcessInput? _input;

    internal ProcessStdio(ProcessInput? input, Stream? output, Stream? error, bool hasTerminal) =>
        (_input, Output, Error, HasTerminal) = (input, output, error, hasTerminal);

    /// <summary>
    /// Standard input, or null if the process has none or does not read it any more. Disposing it ends the process's input.
    /// </summary>
    public Stream? Input => _input;

    /// <summary>Standard output, or the terminal's; null if there is none. It ends when the process and its heirs have.</summary>
    public Stream? Output { get; }

    /// <summary>Standard error; null with a terminal, or if there is none.</summary>
    public Stream? Error { get; }

    /// <summary>Whether a terminal is at the other end.</summary>
    public bool HasTerminal { get; }

    /// <summary>Detaches.</summary>
    public void Dispose()
    {
        _input?.Detach();
        Output?.Dispose();
        Error?.Dispose();
    }

    /// <summary>Detaches.</summary>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
