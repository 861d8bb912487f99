using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>The input of a terminal in the background: a FIFO that <c>attach</c> finds, and that is removed with its
/// task.</summary>
internal sealed class PersistentInput : IDisposable
{
    private readonly ClientFifos _fifos;

    private PersistentInput(ClientFifos fifos) => _fifos = fifos;

    public string Path => System.IO.Path.Join(_fifos.Path, "stdin");

    public static PersistentInput Make(string state, string @namespace, string container)
    {
        var input = new PersistentInput(ClientFifos.Make(state, @namespace, container));
        Fifo.Create(input.Path);
        return input;
    }

    /// <summary>The task owns it now.</summary>
    public void Leave() => _fifos.Leave();

    public void Dispose() => _fifos.Dispose();
}
