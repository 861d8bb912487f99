using System.Text;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>
/// The system calls of a launch (<c>--trace</c>): the shim appends them to a private file of ours, and we print them, once the
/// program runs or cannot be started.
/// </summary>
internal sealed class TraceOutput : IDisposable
{
    private readonly ClientFifos _place;
    private readonly string _file;
    private readonly FileStream? _to;
    private long _printed;

    private TraceOutput(ClientFifos place, FileStream? to)
    {
        (_place, _to, _file) = (place, to, Path.Join(place.Path, "trace"));
        PrivateFiles.Create(_file).Dispose();
    }

    /// <param name="target">A file's path, empty for our standard error, null for no trace.</param>
    /// <exception cref="CliException">The file cannot be written.</exception>
    public static TraceOutput? Make(DaemonClient client, string state, string id, string? target)
    {
        if (target is null) return null;
        FileStream? to = null;
        try
        {
            if (target.Length > 0) to = PrivateFiles.Create(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"--trace: {e.Message}");
        }
        return new TraceOutput(ClientFifos.Make(state, client.Namespace, id), to);
    }

    /// <summary>Headers of the call that creates the task.</summary>
    public CallOptions Asked(CallOptions call)
    {
        call.Headers!.Add(DaemonConventions.TraceHeader, _file);
        return call;
    }

    /// <summary>Prints what is new.</summary>
    /// <param name="raw">Our terminal does not begin a new line by itself.</param>
    public void Print(bool raw = false)
    {
        using var file = new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = _printed;
        if (_to is not null) file.CopyTo(_to);
        else
        {
            using var reader = new StreamReader(file, Encoding.UTF8, leaveOpen: true);
            Console.Error.Write(reader.ReadToEnd().ReplaceLineEndings(raw ? "\r\n" : "\n"));
        }
        _printed = file.Position;
        _to?.Flush();
    }

    public void Dispose()
    {
        _to?.Dispose();
        _place.Dispose();
    }
}
