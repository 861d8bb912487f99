using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Host.Cli.Stdio;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Cli.Running;

/// <summary>
/// Runs one exec, from adding it to its delete:
/// <code>
/// Containers/Get → FIFOs → Tasks/Exec → Wait begins → Start → copy, forward signals → Wait answers → drain → DeleteProcess
/// </code>
/// </summary>
internal sealed class ExecRun(DaemonClient client, ExecOptions options, ForegroundSignals signals)
{
    private const int SIGKILL = 9;

    // A grandchild that outlived the program may hold its output open.
    private static readonly TimeSpan IdleOutput = TimeSpan.FromSeconds(2);

    // How long a program may take to exit once its output has no reader.
    private static readonly TimeSpan EndsWithoutReader = TimeSpan.FromSeconds(2);
    private readonly string _exec = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private bool _detached;

    /// <summary>Runs it; the exit code is the program's own, or 0 if the client detached.</summary>
    public async Task<int> RunAsync()
    {
        var cancel = signals.Interrupted;
        var container = (await client.Containers.GetAsync(
            new GetContainerRequest { Id = options.Container }, client.Call(cancel))).Container;
        var (_, state) = await client.DirectoriesAsync(cancel);
        using var stdio = new ForegroundStdio(
            ClientFifos.Make(state, client.Namespace, options.Container), options.Terminal, log: null);
        await AddAsync(container, stdio, cancel);
        var ended = false;
        try
        {
            var status = await AttachAsync(stdio, cancel);
            ended = true;
            return status;
        }
        finally
        {
            if (!ended) await TolerantAsync(KillAsync(SIGKILL));
            if (!_detached) await DeleteAsync();
        }
    }

    private async Task AddAsync(Container container, ForegroundStdio stdio, CancellationToken cancel)
    {
        try
        {
            await client.Tasks.ExecAsync(
                new ExecProcessRequest
                {
                    ContainerId = options.Container,
                    ExecId = _exec,
                    Stdin = stdio.Stdin,
                    Stdout = stdio.Stdout,
                    Stderr = stdio.Stderr,
                    Terminal = options.Terminal,
                    Spec = ExecSpec.Build(container, options, RawTerminal.Size()),
                },
                client.Call(cancel));
        }
        catch (InvalidSpecException e)
        {
            throw new CliException(e.Message);
        }
    }

    private async Task<int> AttachAsync(ForegroundStdio stdio, CancellationToken cancel)
    {
        // Before the start, so that no exit, however early, is missed.
        var exit = client.StayAsync(() => client.Tasks.WaitAsync(
            new WaitRequest { ContainerId = options.Container, ExecId = _exec },
                client.OpenEnded(CancellationToken.None)).ResponseAsync);
        Forget(exit);
        signals.Keep(); // the program may run, and be signalled, before our start returns
        try
        {
            await client.Tasks.StartAsync(
                new StartRequest { ContainerId = options.Container, ExecId = _exec }, client.Call(cancel));
        }
        catch (RpcException e)
        {
            throw new CliException(e.Status.Detail, ExitCodes.OfFailedStart(e));
        }
        using var terminal = options.Terminal ? RawTerminal.Enter() : null;
        using var over = new CancellationTokenSource();
        var keys = terminal is null ? null : options.DetachKeys ?? DetachKeys.Parse(DetachKeys.Usual);
        var input = stdio.Begin(keys: keys);
        using var resized = options.Terminal
            ? PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Forget(ResizeAsync())) : null;
        Forget(signals.ForwardAsync(signal => TolerantAsync(KillAsync(signal)), over.Token));
        Forget(CloseStdinAfterAsync(input));
        var detached = keys?.Typed ?? Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
        var first = await Task.WhenAny(exit, stdio.ReaderClosed, detached);
        if (first == detached)
        {
            stdio.Detach();
            _detached = true;
            terminal!.Dispose();
            await Console.Error.WriteLineAsync(
                $"\nsupervisor: detached from {options.Command[0]} in container {options.Container}, still running; its output "
                + "is discarded");
            return 0;
        }
        if (first != exit)
        {
            await Task.WhenAny(exit, Task.Delay(EndsWithoutReader, CancellationToken.None));
            return Unread(stdio);
        }
        var answer = await exit;
        await over.CancelAsync();
        await stdio.DrainAsync(IdleOutput);
        return stdio.ReaderClosed.IsCompleted ? Unread(stdio) : (int)answer.ExitStatus;
    }

    private Task<Empty> KillAsync(int signal) => client.Tasks.KillAsync(
        new KillRequest { ContainerId = options.Container, ExecId = _exec, Signal = (uint)signal }, client.Call()).ResponseAsync;

    private async Task DeleteAsync()
    {
        try
        {
            await client.Tasks.DeleteProcessAsync(
                new DeleteProcessRequest { ContainerId = options.Container, ExecId = _exec }, client.Call());
        }
        catch (RpcException)
        {
            // The task is gone, and the exec with it.
        }
    }

    private async Task ResizeAsync()
    {
        if (RawTerminal.Size() is not var (rows, columns)) return;
        await TolerantAsync(client.Tasks.ResizePtyAsync(
            new ResizePtyRequest { ContainerId = options.Container, ExecId = _exec, Width = columns, Height = rows },
                client.Call()).ResponseAsync);
    }

    private async Task CloseStdinAfterAsync(Task input)
    {
        await input;
        await TolerantAsync(client.Tasks.CloseIOAsync(
            new CloseIORequest { ContainerId = options.Container, ExecId = _exec, Stdin = true }, client.Call()).ResponseAsync);
    }

    /// <summary>Errors are ignored: the exec or the daemon has exited.</summary>
    private static async Task TolerantAsync(Task<Empty> call)
    {
        try
        {
            await call;
        }
        catch (RpcException)
        {
        }
    }

    private static int Unread(ForegroundStdio stdio) =>
        stdio.OutputFailure is { } failure ? throw failure : ExitCodes.ReaderClosed;

    private static void Forget(Task task) => _ = task.ContinueWith(
        static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}
