using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>
/// Runs one exec, from adding it to its delete:
/// <code>
/// Containers/Get → FIFOs → Tasks/Exec → Wait begins → Start → copy, forward signals → Wait answers → drain → DeleteProcess
/// </code>
/// </summary>
internal sealed class ExecRun(DaemonClient client, ExecOptions options, ForegroundSignals signals)
{
    private const int SIGKILL = 9;

    private static readonly TimeSpan FilesWithin = TimeSpan.FromSeconds(30);

    private readonly string _exec = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private bool _detached;

    private ProcessClient Process => new(client, options.Container, _exec);

    /// <summary>Runs it; the exit code is the program's own, or 0 if the client detached.</summary>
    public async Task<int> RunAsync()
    {
        var cancel = signals.Interrupted;
        var container = await client.ContainerAsync(options.Container, cancel);
        if (options.Detach) return await DetachAsync(container, cancel);
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
            if (!ended) await Process.SignalAsync(SIGKILL);
            if (!_detached) await DeleteAsync();
        }
    }

    /// <summary>Its exit is not waited for; the daemon deletes it then.</summary>
    private async Task<int> DetachAsync(Container container, CancellationToken cancel)
    {
        await AddAsync(container, null, cancel);
        try
        {
            await Process.StartAsync(cancel);
            _detached = true;
            return 0;
        }
        finally
        {
            if (!_detached) await DeleteAsync();
        }
    }

    private async Task AddAsync(Container container, ForegroundStdio? stdio, CancellationToken cancel)
    {
        var request = new ExecProcessRequest
        {
            ContainerId = options.Container,
            ExecId = _exec,
            Stdin = stdio?.Stdin ?? "",
            Stdout = stdio?.Stdout ?? "",
            Stderr = stdio?.Stderr ?? "",
            Terminal = options.Terminal,
            Spec = await SpecAsync(container, cancel),
        };
        await client.RepeatAsync(StatusCode.AlreadyExists, () =>
            client.Tasks.ExecAsync(request, RemovedAfter(client.Call(cancel))).ResponseAsync);
    }

    /// <summary>By the daemon, when we cannot: detached, or killed.</summary>
    private CallOptions RemovedAfter(CallOptions call)
    {
        call.Headers!.Add(
            DaemonConventions.ExecRemoveAfterHeader, $"{(options.Detach ? 0 : (int)Reconnection.Patience.TotalSeconds * 2)}");
        return call;
    }

    /// <summary>On another thread: the container's file systems may never answer.</summary>
    private Task<Any> SpecAsync(Container container, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var files = new ContainerFiles(client, options.Container, cancel);
            return ExecSpec.Build(container, options, RawTerminal.Size(), files.TryRead);
        },
        cancel).WaitAsync(FilesWithin, cancel);

    private async Task<int> AttachAsync(ForegroundStdio stdio, CancellationToken cancel)
    {
        // Before the start, so that no exit, however early, is missed.
        var exit = Process.WaitAsync(CancellationToken.None);
        signals.Keep(); // the program may run, and be signalled, before our start returns
        await Process.StartAsync(cancel);
        using var terminal = options.Terminal ? RawTerminal.Enter() : null;
        var keys = terminal is null ? null : options.DetachKeys ?? DetachKeys.Parse(DetachKeys.Usual);
        var input = stdio.Begin(keys: keys);
        var status = await new ForegroundSession(Process, stdio, signals, keys).FollowAsync(exit, input, terminal);
        if (status is { } code) return code;
        _detached = true;
        await Console.Error.WriteLineAsync(
            $"\nsupervisor: detached from {options.Command[0]} in container {options.Container}, still running; its output is "
            + "discarded");
        return 0;
    }

    private async Task DeleteAsync()
    {
        try
        {
            var request = new DeleteProcessRequest { ContainerId = options.Container, ExecId = _exec };
            await client.StayAsync(() => client.Tasks.DeleteProcessAsync(request, client.Call()).ResponseAsync);
        }
        catch (Exception e) when (e is RpcException or CliException)
        {
            // The task is gone, and the exec with it.
        }
    }
}
