using System.CommandLine;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Runtime.Checkpointing;
using CheckpointOptions = Containerd.Runc.V1.CheckpointOptions;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor checkpoint create|ls|rm</c>: a container's processes on disk, by criu(8).</summary>
internal static class CheckpointCommand
{
    // The daemon's own deadline is a minute, unless it is configured.
    private static readonly TimeSpan Within = TimeSpan.FromMinutes(10);

    public static Command Create() =>
        new("checkpoint", "Writes containers' processes to disk, and manages what was written") { Make(), List(), Remove() };

    /// <summary>An option of all that name a checkpoint.</summary>
    public static Option<string?> Directory() => new("--checkpoint-dir")
    {
        Description = "The directory that holds the checkpoints (default: one of the daemon's, removed with the container)",
        HelpName = "DIR",
    };

    /// <summary>The checkpoints that a line means.</summary>
    public static async Task<ContainerCheckpoints> OfAsync(
        DaemonClient client, string container, string? directory, CancellationToken cancel)
    {
        await client.ContainerAsync(container, cancel); // there is such a container: its id is no path
        return directory is null
            ? ContainerCheckpoints.Of((await client.DirectoriesAsync(cancel)).Root, client.Namespace, container)
            : ContainerCheckpoints.In(directory);
    }

    private static Command Make()
    {
        var keep = new Option<bool>("--leave-running") { Description = "Let the container run on" };
        var directory = Directory();
        var (id, name) = (Ids.One(), Name());
        var command = new Command("create", "Writes a running container's processes to disk, and ends them") {
            keep, directory, id, name };
        command.Does(async (parse, client, cancel) =>
        {
            var (container, checkpoint) = (parse.GetRequiredValue(id), CheckpointName.Check(parse.GetRequiredValue(name)));
            var checkpoints = await OfAsync(client, container, parse.GetValue(directory), cancel);
            await WriteAsync(client, container, checkpoints, checkpoint, !parse.GetValue(keep), cancel);
            await Console.Out.WriteLineAsync(checkpoint);
            return 0;
        });
        return command;
    }

    private static async Task WriteAsync(
        DaemonClient client, string container, ContainerCheckpoints checkpoints, string name, bool ends, CancellationToken cancel)
    {
        if (!checkpoints.TryMake(name))
            throw new CliException(
                $"container {container} has a checkpoint {name} already: choose another name, or remove it with "
                + $"\"{client.CommandLine} checkpoint rm {container} {name}\"");
        var options = new CheckpointOptions { Exit = ends, ImagePath = checkpoints.PathOf(name) };
        var request = new CheckpointTaskRequest
        {
            ContainerId = container,
            Options = new Any { TypeUrl = CheckpointOptions.Descriptor.FullName, Value = options.ToByteString() },
        };
        try
        {
            await client.OnceAsync(
                $"look with ps and checkpoint ls whether {name} was written",
                () => client.Tasks.CheckpointAsync(request, client.Call(Within, cancel)).ResponseAsync);
        }
        catch (RpcException)
        {
            checkpoints.Remove(name);
            throw;
        }
        if (ends) await new ProcessClient(client, container).WaitAsync(cancel);
    }

    private static Command List()
    {
        var directory = Directory();
        var id = Ids.One();
        var command = new Command("ls", "Lists a container's checkpoints") { directory, id };
        command.Does(async (parse, client, cancel) =>
        {
            var checkpoints = await OfAsync(client, parse.GetRequiredValue(id), parse.GetValue(directory), cancel);
            await Console.Out.WriteAsync(TextTable.Render(
                ["CHECKPOINT NAME"], checkpoints.Names().Select(n => (IReadOnlyList<string>)[n])));
            return 0;
        });
        return command;
    }

    private static Command Remove()
    {
        var directory = Directory();
        var (id, name) = (Ids.One(), Name());
        var command = new Command("rm", "Removes a container's checkpoint") { directory, id, name };
        command.Does(async (parse, client, cancel) =>
        {
            var (container, checkpoint) = (parse.GetRequiredValue(id), CheckpointName.Check(parse.GetRequiredValue(name)));
            var checkpoints = await OfAsync(client, container, parse.GetValue(directory), cancel);
            Require(client, checkpoints, container, checkpoint);
            checkpoints.Remove(checkpoint);
            await Console.Out.WriteLineAsync(checkpoint);
            return 0;
        });
        return command;
    }

    /// <exception cref="CliException">There is no such checkpoint.</exception>
    public static void Require(DaemonClient client, ContainerCheckpoints checkpoints, string container, string name)
    {
        if (!checkpoints.Has(CheckpointName.Check(name)))
            throw new CliException(
                $"container {container} has no checkpoint {name} in {checkpoints.Path}: \"{client.CommandLine} checkpoint ls "
                + $"{container}\" lists those of its own");
    }

    private static Argument<string> Name() => new("checkpoint") { Description = "Name of the checkpoint" };
}
