using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Stdio;
using Status = Containerd.V1.Types.Status;

namespace Supervisor.Cli.Running;

/// <summary>
/// A client of a running container: it follows the log from its end, and writes to the FIFO of its input, if that is open.
/// Clients attach and detach one after the other (<see cref="TaskReader"/>), and the container notices none.
/// </summary>
/// <param name="input">Whether to forward our input, if the container has a terminal or an open input (<c>run -d -i</c>).</param>
internal sealed class AttachRun(DaemonClient client, string id, bool input, DetachKeys keys, ForegroundSignals signals)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20); // too short to notice at a keyboard

    /// <summary>Runs until the container exits, with its exit code; or until the client detaches, with 0.</summary>
    /// <param name="begin">Starts it first; null for one that runs.</param>
    public async Task<int> RunAsync(Func<Task>? begin = null)
    {
        var cancel = signals.Interrupted;
        try
        {
            var (path, format) = await LogFile.FindAsync(client, id, cancel);
            using var files = new LogFiles(path, format);
            files.SkipToLast(0); // before the start, so that no output is missed
            if (begin is not null) await begin();
            if (await Removal.FindTaskAsync(client, id, cancel) is not { } task || begin is null && task.Status is Status.Stopped)
                throw new CliException($"container {id} is not running: start it first, or read its output with logs");
            var (_, state) = await client.DirectoriesAsync(cancel);
            using var reader = TaskReader.Take(client, state, id);
            return await AttachAsync(task, files, format, cancel);
        }
        catch (Exception e) when (
            signals.Interruption != 0 && e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            return ExitCodes.OfSignal(signals.Interruption); // it ends only this client
        }
    }

    private async Task<int> AttachAsync(Process task, LogFiles files, LogFormat format, CancellationToken cancel)
    {
        var typing = input && task.Terminal;
        if (typing) InputDevice.RequireTerminal("use --no-stdin to see the output only");
        // Closed by the thread that copies to it. The end of our input is not the end of the container's, as with docker.
        var stdin = typing || input && IsShared(task.Stdin) ? OpenInput(task.Stdin) : null;
        var process = new ProcessClient(client, id);
        var exit = process.WaitAsync(cancel);
        using var terminal = typing ? RawTerminal.Enter() : null;
        if (stdin is not null) _ = new InputCopy(stdin, passing: null, typing ? keys : null);
        using var resized = typing ? process.FollowSize(redraws: true) : null;
        if (!task.Terminal)
        {
            signals.Keep(); // as docker: signals go to the container; at a terminal its keys do
            _ = signals.ForwardAsync(process.SignalAsync, cancel);
        }
        await StandardOutput.PrintAsync(
            (output, cancel) => CopyAsync(files, new LogPrinter(output, StandardOutput.Errors(), format), exit, cancel),
            cancel);
        if (!keys.Typed.IsCompleted) return (int)(await exit).ExitStatus;
        terminal!.Dispose();
        await Console.Error.WriteLineAsync(
            $"\nsupervisor: detached from container {id}, still running: \"{client.CommandLine} attach {id}\" attaches again");
        return 0;
    }

    private async Task CopyAsync(LogFiles files, LogPrinter printer, Task exit, CancellationToken cancel)
    {
        while (!keys.Typed.IsCompleted)
        {
            var last = exit.IsCompleted;
            files.PrintTo(printer);
            if (last) return;
            await Task.WhenAny(exit, keys.Typed, Task.Delay(Poll, cancel));
            cancel.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Whether it is a FIFO for any client: not one of a client in the foreground, with which it ends.</summary>
    private static bool IsShared(string stdin) => stdin.Length > 0 && !PipeTarget.Is(stdin);

    private Microsoft.Win32.SafeHandles.SafeFileHandle OpenInput(string stdin) => IsShared(stdin)
        ? Fifo.OpenForWriting(stdin)
        : throw new CliException(
            $"the terminal of container {id} has no input FIFO to share: use --no-stdin to see its output only");
}
