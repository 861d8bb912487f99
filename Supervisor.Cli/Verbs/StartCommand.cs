using System.CommandLine;
using Containerd.Runc.V1;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;
using Status = Containerd.V1.Types.Status;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor start</c>: starts containers that are not running, detached; their logs are continued.</summary>
internal static class StartCommand
{
    public static Command Create()
    {
        var attach = new Option<bool>("--attach", "-a") { Description = "Stay and print its output; one container only" };
        var input = new Option<bool>("--interactive", "-i") { Description = "As -a, and write our input to its own" };
        var keys = TerminalOptions.DetachKeys();
        var checkpoint = new Option<string?>("--checkpoint") {
            Description = "Restore it from this checkpoint; one container only", HelpName = "NAME" };
        var directory = CheckpointCommand.Directory();
        var trace = new TraceOptions();
        var ids = Ids.OneOrMore();
        var command = new Command("start", "Starts created or stopped containers, in the background") {
            attach, input, keys, checkpoint, directory, trace.Switch, trace.File, ids };
        command.Does(async (parse, client, cancel) =>
        {
            var named = parse.GetRequiredValue(ids);
            var from = parse.GetValue(checkpoint);
            if (from is null && parse.GetValue(directory) is not null)
                throw new CliException("--checkpoint-dir: needs --checkpoint NAME");
            if (from is not null && named.Length > 1)
                throw new CliException("--checkpoint: one container at a time: start the others without it");
            var tracing = trace.Read(parse);
            if (tracing is not null && from is not null)
                throw new CliException("--trace: criu restores a checkpoint, by calls of its own: leave it out");
            if (tracing is { Length: > 0 } && named.Length > 1)
                throw new CliException("--trace: one file for one container: start the others without it");
            Task StartOneAsync(string id, CancellationToken cancel) => from is null
                ? StartAsync(client, id, images: null, tracing, cancel)
                : RestoreAsync(client, id, from, parse.GetValue(directory), cancel);
            if (!parse.GetValue(attach) && !parse.GetValue(input))
                return parse.GetValue(keys) is null ? await Each.DoAsync(named, async id =>
                {
                    await StartOneAsync(id, cancel);
                    await Console.Out.WriteLineAsync(id);
                }) : throw new CliException("--detach-keys: needs --attach or --interactive");
            if (named.Length > 1) throw new CliException("--attach: one container at a time: start the others without it");
            using var signals = new ForegroundSignals();
            var run = new AttachRun(
                client, named[0], parse.GetValue(input), DetachKeys.Parse(parse.GetValue(keys) ?? DetachKeys.Usual), signals);
            return await run.RunAsync(begin: () => StartOneAsync(named[0], signals.Interrupted));
        });
        return command;
    }

    /// <summary>Starts it, if it does not run.</summary>
    public static Task StartAsync(DaemonClient client, string id, CancellationToken cancel) =>
        StartAsync(client, id, images: null, tracing: null, cancel);

    /// <summary>Starts it from a checkpoint.</summary>
    /// <exception cref="CliException">It runs, or has no such checkpoint.</exception>
    public static async Task RestoreAsync(
        DaemonClient client, string id, string checkpoint, string? directory, CancellationToken cancel)
    {
        var checkpoints = await CheckpointCommand.OfAsync(client, id, directory, cancel);
        CheckpointCommand.Require(client, checkpoints, id, checkpoint);
        await StartAsync(client, id, checkpoints.PathOf(checkpoint), tracing: null, cancel);
    }

    /// <param name="images">Of a checkpoint to restore; null for new processes.</param>
    /// <param name="tracing">As in <see cref="TraceOutput.Make"/>.</param>
    private static async Task StartAsync(
        DaemonClient client, string id, string? images, string? tracing, CancellationToken cancel)
    {
        var container = await client.ContainerAsync(id, cancel);
        if (await Removal.FindTaskAsync(client, id, cancel) is { } task)
        {
            if (images is not null && task.Status is not Status.Stopped)
                throw new CliException(
                    $"container {id} is {task.Status.ToString().ToLowerInvariant()}: stop it before it is restored");
            if (task.Status is Status.Running) return; // as docker start
            if (task.Status is Status.Created)
            {
                await new ProcessClient(client, id).StartAsync(cancel);
                return;
            }
            if (task.Status is not Status.Stopped)
                throw new CliException(
                $"container {id} is {task.Status.ToString().ToLowerInvariant()}: resume it, or kill it, before you start it");
            await Removal.DeleteTaskAsync(client, id, cancel);
        }
        var output = container.Labels.TryGetValue(ContainerLog.Label, out var log)
            ? $"{await client.LogAsync(log, ContainerLog.FormatOf(container.Labels), cancel)}" : "";
        var terminal = container.Spec is { } spec && SpecReader.Read(spec.Value.Span).Process is { Terminal: true };
        var (_, state) = await client.DirectoriesAsync(cancel);
        var lasts = terminal || container.Labels.TryGetValue(ContainerInput.Label, out var kind) && kind == ContainerInput.Open;
        using var input = lasts ? PersistentInput.Make(state, client.Namespace, id) : null;
        var request = new CreateTaskRequest
        {
            ContainerId = id, Stdin = input?.Path ?? "", Stdout = output, Stderr = terminal ? "" : output, Terminal = terminal,
            Options = images is null ? null : RestoreOptions(container, images),
        };
        using var trace = TraceOutput.Make(client, state, id, tracing);
        try
        {
            await client.RepeatAsync(StatusCode.AlreadyExists, () =>
                client.Tasks.CreateAsync(request, trace?.Asked(client.Call(cancel)) ?? client.Call(cancel)).ResponseAsync);
        }
        catch (RpcException)
        {
            trace?.Print();
            throw;
        }
        input?.Leave();
        await new ProcessClient(client, id).StartAsync(cancel, trace);
    }

    /// <summary>The container's own options, and the directory: what a task has of its own takes their place.</summary>
    private static Any RestoreOptions(Container container, string images)
    {
        var options = container.Runtime?.Options is { } own && own.Is(Options.Descriptor) ? own.Unpack<Options>() : new Options();
        options.CriuImagePath = images;
        return new Any { TypeUrl = Options.Descriptor.FullName, Value = options.ToByteString() };
    }
}
