using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Stdio;
using Supervisor.Host.Arguments;
using Supervisor.Runtime.Stdio;
using Supervisor.V1;

namespace Supervisor.Cli.Running;

/// <summary>
/// Runs one container, from create to delete:
/// <code>
/// Containers/Create → FIFOs → Tasks/Create → Wait begins → Start → copy, forward signals → Wait answers
///                   → drain → (Tasks/Delete, Containers/Delete)
/// </code>
/// If a step fails, what was created is removed.
/// </summary>
internal sealed class ContainerRun(DaemonClient client, RunOptions options, ForegroundSignals signals, bool keepsLog)
{
    private const int SIGINT = 2;

    private static readonly TimeSpan CleanUpWithin = TimeSpan.FromSeconds(30);
    private bool _detached;

    private bool HasOpenInput => options is { Detach: true, Interactive: true, Terminal: false };

    /// <summary>Runs it; the exit code is the container's own, or 0 for a detached one.</summary>
    public async Task<int> RunAsync()
    {
        var cancel = signals.Interrupted;
        var (root, state) = await client.DirectoriesAsync(cancel);
        var log = keepsLog ? ContainerLog.PathFor(root, client.Namespace, options.Id) : null;
        await CreateContainerAsync(log, [root, state, DaemonDefaults.Root], cancel);
        var keep = false;
        try
        {
            var status = options.Detach ? await DetachAsync(state, log!, cancel) : await AttachAsync(state, log, cancel);
            keep = !options.Remove || options.Detach || _detached;
            return status;
        }
        finally
        {
            if (!keep) await CleanUpAsync();
        }
    }

    /// <summary>Creates it, without a task.</summary>
    public async Task CreateAsync(CancellationToken cancel)
    {
        var (root, state) = await client.DirectoriesAsync(cancel);
        var log = ContainerLog.PathFor(root, client.Namespace, options.Id);
        await CreateContainerAsync(log, [root, state, DaemonDefaults.Root], cancel);
    }

    private async Task CreateContainerAsync(string? log, IEnumerable<string> ours, CancellationToken cancel)
    {
        var container = new Container
        {
            Id = options.Id,
            Runtime = new Container.Types.Runtime { Name = "io.containerd.runc.v2" },
            Spec = RunSpec.Build(options, RawTerminal.Size(), ours),
        };
        if (log is not null)
        {
            container.Labels.Add(ContainerLog.Label, log);
            container.Labels.Add(ContainerLog.FormatLabel, LogTarget.CriWord);
        }
        if (HasOpenInput) container.Labels.Add(ContainerInput.Label, ContainerInput.Open);
        // By the daemon, when we cannot: detached, or killed. The embedded one ends with us.
        if (options.Remove && log is not null)
            container.Labels.Add(
                DaemonConventions.RemoveAfterLabel,
                $"{(options.Detach ? 0 : (int)Reconnection.Patience.TotalSeconds * 2)}");
        var rootfs = new Rootfs { Mounts = { RunSpec.Rootfs(options) } };
        if (rootfs.Mounts.Count > 0) container.Extensions.Add(DaemonConventions.RootfsExtension, Any.Pack(rootfs));
        var began = DateTimeOffset.UtcNow;
        var request = new CreateContainerRequest { Container = container };
        var answer = await client.RepeatAsync(StatusCode.AlreadyExists, () =>
            client.Containers.CreateAsync(request, client.Call(cancel)).ResponseAsync);
        // If the answer was lost with the daemon, there is ours, or another of that name.
        if (answer is null && (await client.ContainerAsync(options.Id, cancel)).CreatedAt.ToDateTimeOffset() < began)
            throw new CliException($"--name: container \"{options.Id}\" already exists");
    }

    private async Task<int> DetachAsync(string state, string log, CancellationToken cancel)
    {
        var output = $"{await TargetAsync(log, cancel)}";
        using var input = options.Terminal || HasOpenInput ? PersistentInput.Make(state, client.Namespace, options.Id) : null;
        using var trace = TraceOutput.Make(client, state, options.Id, options.Trace);
        await CreateTaskAsync(input?.Path ?? "", output, options.Terminal ? "" : output, trace, cancel);
        await new ProcessClient(client, options.Id).StartAsync(cancel, trace);
        input?.Leave();
        await Console.Out.WriteLineAsync(options.Id);
        return 0;
    }

    private async Task<LogTarget> TargetAsync(string log, CancellationToken cancel)
    {
        var target = await client.LogAsync(log, LogFormat.Cri, cancel);
        return target with
        {
            MaxSize = options.LogMaxSize is { } size ? size > 0 ? size : null : target.MaxSize,
            MaxFiles = options.LogMaxFiles ?? target.MaxFiles,
        };
    }

    private async Task<int> AttachAsync(string state, string? log, CancellationToken cancel)
    {
        var kept = log is null ? null : await TargetAsync(log, cancel);
        using var stdio = new ForegroundStdio(ClientFifos.Make(state, client.Namespace, options.Id), options.Terminal, kept);
        using var trace = TraceOutput.Make(client, state, options.Id, options.Trace);
        await CreateTaskAsync(stdio.Stdin, stdio.Stdout, stdio.Stderr, trace, cancel);
        using var reader = TaskReader.Take(client, state, options.Id);
        // Before the start, so that no exit, however early, is missed.
        var process = new ProcessClient(client, options.Id);
        var exit = process.WaitAsync(CancellationToken.None);
        using var terminal = options.Terminal ? RawTerminal.Enter() : null;
        var hint = new InterruptHint(
            $"the program ignores Ctrl-C; \"{client.CommandLine} kill -9 {options.Id}\" kills it; with \"run --init\" "
            + "Ctrl-C ends it");
        // it cannot keep running without the embedded daemon
        var keys = terminal is null || log is null ? null : options.DetachKeys ?? DetachKeys.Parse(DetachKeys.Usual);
        var input = stdio.Begin(options.Terminal ? hint.Typed : null, keys);
        cancel.ThrowIfCancellationRequested();
        signals.Keep(); // the program may run, and be signalled, before our start returns
        await process.StartAsync(CancellationToken.None, trace, raw: terminal is not null);
        var session = new ForegroundSession(process, stdio, signals, keys);
        var status = await session.FollowAsync(exit, input, terminal, signal =>
        {
            if (signal == SIGINT) hint.Interrupted();
        });
        if (status is { } code) return code;
        _detached = true;
        await Console.Error.WriteLineAsync(
            $"\nsupervisor: detached from container {options.Id}, still running: \"{client.CommandLine} attach {options.Id}\" "
            + "attaches again");
        return 0;
    }

    private async Task CreateTaskAsync(
        string stdin, string stdout, string stderr, TraceOutput? trace, CancellationToken cancel)
    {
        var request = new CreateTaskRequest
        {
            ContainerId = options.Id,
            Stdin = stdin,
            Stdout = stdout,
            Stderr = stderr,
            Terminal = options.Terminal,
        };
        try
        {
            await client.RepeatAsync(StatusCode.AlreadyExists, () =>
                client.Tasks.CreateAsync(request, Traced(client.Call(cancel))).ResponseAsync);
        }
        catch (RpcException e)
        {
            trace?.Print();
            throw new CliException(e.Status.Detail, ExitCodes.OfFailedStart(e));
        }

        CallOptions Traced(CallOptions call) => trace?.Asked(call) ?? call;
    }

    /// <summary>Not with the interrupted token: an interruption must clean up.</summary>
    private async Task CleanUpAsync()
    {
        using var patience = new CancellationTokenSource(CleanUpWithin);
        try
        {
            await Removal.RemoveAsync(client, options.Id, force: true, patience.Token);
        }
        catch (Exception e) when (e is RpcException or CliException)
        {
            if (client.Exit?.Invoke() is not null) return; // with its daemon
            var why = e is RpcException call ? call.Status.Detail : e.Message;
            await Console.Error.WriteLineAsync($"supervisor: container {options.Id} could not be removed: {why}");
        }
    }
}
