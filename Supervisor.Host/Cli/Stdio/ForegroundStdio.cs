using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Files;

namespace Supervisor.Host.Cli.Stdio;

/// <summary>
/// The FIFOs between a container in the foreground and us: made and opened before the task is created, so that nothing
/// it writes is lost; copied once the daemon has opened its ends, since a FIFO without a writer reads as ended.
/// </summary>
internal sealed class ForegroundStdio : IDisposable
{
    private readonly string _directory;
    private readonly SafeFileHandle _stdin, _stdout;
    private readonly SafeFileHandle? _stderr;
    private OutputCopy[] _outputs = [];

    /// <param name="state">Directory below which the daemon, too, can reach them.</param>
    /// <param name="terminal">A terminal has one output.</param>
    public ForegroundStdio(string state, string id, bool terminal)
    {
        _directory = Path.Combine(state, "fifo", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
        PrivateFiles.MakeDirectory(_directory);
        Stdin = Make($"{id}-stdin");
        Stdout = Make($"{id}-stdout");
        Stderr = terminal ? "" : Make($"{id}-stderr");
        _stdin = Fifo.OpenForWriting(Stdin);
        _stdout = Fifo.OpenForReading(Stdout);
        _stderr = terminal ? null : Fifo.OpenForReading(Stderr);
    }

    public string Stdin { get; }
    public string Stdout { get; }
    public string Stderr { get; }

    /// <summary>Begins to copy. The task must have been created.</summary>
    /// <returns>Completes when our own input has ended.</returns>
    public Task Begin()
    {
        _outputs = _stderr is null ? [new OutputCopy(_stdout, 1)] : [new OutputCopy(_stdout, 1), new OutputCopy(_stderr, 2)];
        return new InputCopy(_stdin).Ended;
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
