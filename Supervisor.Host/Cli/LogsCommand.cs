using System.CommandLine;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Host.Cli.Running;
using Supervisor.Host.Cli.Stdio;
using Supervisor.Kernel.Stdio;

namespace Supervisor.Host.Cli;

/// <summary><c>supervisor logs</c>: the output of a container.</summary>
internal static class LogsCommand
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the container ends" };
        var id = Ids.One();
        var command = new Command("logs", "Prints a container's output") { follow, id };
        command.Does((parse, client, cancel) => PrintAsync(client, parse.GetRequiredValue(id), parse.GetValue(follow), cancel));
        return command;
    }

    private static async Task<int> PrintAsync(DaemonClient client, string id, bool follow, CancellationToken cancel)
    {
        var path = await FindAsync(client, id, cancel);
        // Before reading: what was written until the end is then read after it.
        var ended = follow ? EndAsync(client, id, cancel) : Task.CompletedTask;
        using var files = new LogFiles(path);
        await StandardOutput.PrintAsync(
            async (output, cancel) =>
            {
                while (true)
                {
                    var last = ended.IsCompleted;
                    await files.CopyToAsync(output, cancel);
                    if (last) break;
                    await Task.WhenAny(ended, Task.Delay(Poll, cancel));
                    cancel.ThrowIfCancellationRequested();
                }
            },
            cancel);
        await ended;
        return 0;
    }

    private static async Task<string> FindAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        var container = (await client.Containers.GetAsync(new GetContainerRequest { Id = id }, client.Call(cancel))).Container;
        if (container.Labels.TryGetValue(LogFile.Label, out var labelled)) return labelled;
        if (await Removal.FindTaskAsync(client, id, cancel) is { Stdout: var stdout } && LogTarget.Is(stdout)) return LogTarget.Parse(stdout, "stdout").Path;
        throw new CliException($"container {id} has no log: its output goes to whoever started it");
    }

    private static async Task EndAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            await client.StayAsync(() => client.Tasks.WaitAsync(new WaitRequest { ContainerId = id }, client.OpenEnded(cancel)).ResponseAsync);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            // No task, or no longer one: nothing more will be written.
        }
    }
}
