using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Stdio;

namespace Supervisor.Host.Cli.Stdio;

/// <summary>
/// The FIFOs between a container in the foreground and us: made and opened before the task is created, so that nothing
/// it writes is lost; copied once the daemon has opened its ends, since a FIFO without a writer reads as ended.
/// </summary>
internal sealed class ForegroundStdio : IDisposable
{
    private static readonly Task Never = new TaskCompletionSource().Task;
    private readonly string _directory;
    private readonly SafeFileHandle _stdin, _stdout;
    private readonly SafeFileHandle? _stderr;
    private readonly ForegroundLog? _log;
    private OutputCopy[] _outputs = [];

    /// <param name="state">Directory below which the daemon, too, can reach them.</param>
    /// <param name="terminal">A terminal has one output.</param>
    /// <param name="log">Gets both outputs, too; null for none.</param>
    public ForegroundStdio(string state, string id, bool terminal, ForegroundLog? log)
    {
        _log = log;
        _directory = Path.Combine(state, "fifo", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        PrivateFiles.MakeDirectory(_directory);
        var input = Make($"{id}-stdin");
        _stdin = Fifo.OpenForWriting(input);
        Stdin = terminal ? input : PipeTarget.Of(input); // it ends with this client, even if that is killed
        (Stdout, _stdout) = Output("stdout");
        if (!terminal) (Stderr, _stderr) = Output("stderr");

        (string Target, SafeFileHandle Reading) Output(string name)
        {
            var path = Make($"{id}-{name}");
            return (PipeTarget.Of(path), Fifo.OpenForReading(path)); // a reader must be there before the container's end is opened
        }
    }

    public string Stdin { get; }
    public string Stdout { get; }
    public string Stderr { get; } = "";

    /// <summary>Completes when nobody reads our own output any more, and the container has been told by a broken pipe.</summary>
    public Task ReaderGone => _outputs.Length == 0 ? Never : Task.WhenAny(_outputs.Select(o => o.ReaderGone));

    /// <summary>Begins to copy. The task must have been created.</summary>
    /// <param name="passing">Sees what is typed; null for nobody.</param>
    /// <returns>Completes when our own input has ended.</returns>
    public Task Begin(InputSeen? passing = null)
    {
        _outputs = _stderr is null ? [new OutputCopy(_stdout, 1, _log)] : [new OutputCopy(_stdout, 1, _log), new OutputCopy(_stderr, 2, _log)];
        return new InputCopy(_stdin, passing).Ended;
    }

    /// <summary>Waits for the rest of the output, see <see cref="OutputCopy.DrainAsync"/>.</summary>
    public Task DrainAsync(TimeSpan idle) => Task.WhenAll(_outputs.Select(o => o.DrainAsync(idle)));

    /// <summary>Removes the FIFOs. The copying threads keep their ends until they are through, or the process is.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(_directory, recursive: true);
        }
        catch (IOException)
        {
            // Whoever removed it before us wanted the same.
        }
    }

    private string Make(string name)
    {
        var path = Path.Combine(_directory, name);
        Fifo.Create(path);
        return path;
    }
}
