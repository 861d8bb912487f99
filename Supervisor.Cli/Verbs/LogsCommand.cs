using System.CommandLine;
using System.Globalization;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor logs</c>: the output of a container.</summary>
internal static class LogsCommand
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f") { Description = "Follow the output until the container exits" };
        var tail = new Option<string>("--tail", "-n") {
            Description = "Only the last N lines", HelpName = "N|all", DefaultValueFactory = _ => "all" };
        var id = Ids.One();
        var command = new Command("logs", "Prints a container's output") { follow, tail, id };
        command.Does((parse, client, cancel) =>
            PrintAsync(client, parse.GetRequiredValue(id), parse.GetValue(follow), Lines(parse.GetRequiredValue(tail)), cancel));
        return command;
    }

    private static long? Lines(string tail) => tail is "all" ? null
        : long.TryParse(tail, NumberStyles.None, CultureInfo.InvariantCulture, out var lines)
            ? lines : throw new CliException($"--tail: \"{tail}\" is neither a number of lines nor all");

    private static async Task<int> PrintAsync(DaemonClient client, string id, bool follow, long? lines, CancellationToken cancel)
    {
        var path = await LogFile.FindAsync(client, id, cancel);
        // Before reading: so all output up to the exit is read.
        var ended = follow ? EndAsync(client, id, cancel) : Task.CompletedTask;
        using var files = new LogFiles(path);
        if (lines is { } last) files.SkipToLast(last);
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

    private static async Task EndAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            await client.StayAsync(
                () => client.Tasks.WaitAsync(new WaitRequest { ContainerId = id }, client.OpenEnded(cancel)).ResponseAsync);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            // No task: nothing more will be written.
        }
    }
}
