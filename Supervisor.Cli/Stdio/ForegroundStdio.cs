using Microsoft.Win32.SafeHandles;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Stdio;

/// <summary>
/// The FIFOs between a container in the foreground and us: created and opened before the task is created, so that nothing
/// it writes is lost; copied once the daemon has opened its ends, since a FIFO without a writer reads as ended.
/// </summary>
internal sealed class ForegroundStdio : IDisposable
{
    private static readonly Task Never = new TaskCompletionSource().Task;
    private readonly ClientFifos _fifos;
    private readonly SafeFileHandle _stdin, _stdout;
    private readonly SafeFileHandle? _stderr;
    private readonly ForegroundLog? _log;
    private OutputCopy[] _outputs = [];

    /// <param name="fifos">Their directory; owned by this object from now on.</param>
    /// <param name="terminal">A terminal has one output.</param>
    /// <param name="log">Also receives the outputs; null for none.</param>
    public ForegroundStdio(ClientFifos fifos, bool terminal, LogTarget? log)
    {
        _fifos = fifos;
        // a terminal's log is written by its relay, which continues when we detach
        if (!terminal && log is not null) _log = ForegroundLog.Open(log);
        var input = Make("stdin");
        _stdin = Fifo.OpenForWriting(input);
        Stdin = terminal ? input : $"{new PipeTarget(input)}"; // the input ends when this client exits, even if it is killed
        (Stdout, _stdout) = Output("stdout");
        if (!terminal) (Stderr, _stderr) = Output("stderr");

        (string Target, SafeFileHandle Reading) Output(string name)
        {
            var path = Make(name);
            // there must be a reader before the container's end is opened
            return ($"{new PipeTarget(path, terminal ? log : null)}", Fifo.OpenForReading(path));
        }
    }

    public string Stdin { get; }
    public string Stdout { get; }
    public string Stderr { get; } = "";

    /// <summary>Completes when our own output has no reader any more, and the container's pipe is broken.</summary>
    public Task ReaderClosed => _outputs.Length == 0 ? Never : Task.WhenAny(_outputs.Select(o => o.ReaderClosed));

    /// <summary>Why our own output cannot be written; null if its reader is gone, or still there.</summary>
    public CliException? OutputFailure => _outputs.Select(o => o.Failure).FirstOrDefault(f => f is not null);

    /// <summary>Starts to copy. The task must have been created.</summary>
    /// <param name="passing">Called with the input; null for none.</param>
    /// <param name="keys">The keys that detach; null for none.</param>
    /// <returns>Completes when our own input has ended.</returns>
    public Task Begin(InputSeen? passing = null, DetachKeys? keys = null)
    {
        _outputs = _stderr is null
            ? [new OutputCopy(_stdout, 1, _log)] : [new OutputCopy(_stdout, 1, _log), new OutputCopy(_stderr, 2, _log)];
        return new InputCopy(_stdin, passing, keys).Ended;
    }

    /// <summary>Waits for the rest of the output: see <see cref="OutputCopy.DrainAsync"/>.</summary>
    public Task DrainAsync(TimeSpan idle) => Task.WhenAll(_outputs.Select(o => o.DrainAsync(idle)));

    /// <summary>
    /// Detaches from a terminal whose program keeps running: its output goes only to the log, and its input waits for the next
    /// client.
    /// </summary>
    public void Detach()
    {
        foreach (var output in _outputs) output.Stop();
        DetachedFifo.Mark(_stdout);
        _fifos.Leave();
    }

    /// <summary>Removes the FIFOs. The copying threads keep their ends until they finish or the process exits.</summary>
    public void Dispose()
    {
        _fifos.Dispose();
        _log?.Dispose();
    }

    private string Make(string name)
    {
        var path = Path.Combine(_fifos.Path, name);
        Fifo.Create(path);
        return path;
    }
}
