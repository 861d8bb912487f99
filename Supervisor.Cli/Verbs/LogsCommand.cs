using System.CommandLine;
using System.Globalization;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor logs</c>: the output of a container, each stream to ours of the same name.</summary>
internal static class LogsCommand
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f") { Description = "Follow the output until the container exits" };
        var tail = new Option<string>("--tail", "-n") {
            Description = "Only the last N lines", HelpName = "N|all", DefaultValueFactory = _ => "all" };
        var since = new Option<string?>("--since") {
            Description = $"Only what was written since then: {Times.Words}", HelpName = "TIME" };
        var until = new Option<string?>("--until") { Description = "Only what was written until then", HelpName = "TIME" };
        var timestamps = new Option<bool>("--timestamps", "-t") { Description = "Each line with its time" };
        var json = JsonOption.Create("One JSON object a line: log, stream and time");
        var id = Ids.One();
        var command = new Command("logs", "Prints a container's output") { follow, tail, since, until, timestamps, json, id };
        command.Does((parse, client, cancel) =>
        {
            var now = DateTimeOffset.UtcNow;
            var selection = new LogSelection(
                Times.Parse(since.Name, parse.GetValue(since), now), Times.Parse(until.Name, parse.GetValue(until), now))
            {
                WithTimes = parse.GetValue(timestamps), AsJson = parse.GetValue(json),
            };
            var needsTimes = ((Option[])[since, until, timestamps, json]).FirstOrDefault(
                o => parse.GetResult(o) is { Implicit: false });
            return PrintAsync(
                client, parse.GetRequiredValue(id), parse.GetValue(follow), Lines(parse.GetRequiredValue(tail)), selection,
                needsTimes?.Name, cancel);
        });
        return command;
    }

    private static long? Lines(string tail) => tail is "all" ? null
        : long.TryParse(tail, NumberStyles.None, CultureInfo.InvariantCulture, out var lines)
            ? lines : throw new CliException($"--tail: \"{tail}\" is neither a number of lines nor all");

    /// <param name="needsTimes">An option that needs the times of lines; null for none.</param>
    private static async Task<int> PrintAsync(
        DaemonClient client, string id, bool follow, long? lines, LogSelection selection, string? needsTimes,
        CancellationToken cancel)
    {
        var (path, format) = await LogFile.FindAsync(client, id, cancel);
        if (format is LogFormat.Raw && needsTimes is not null)
            throw new CliException(
                $"{needsTimes}: the log of container {id} has the output alone, without times: an earlier version or another "
                + "client began it; leave the option out, or run the container again");
        // Before reading: so all output up to the exit is read.
        var ended = follow ? EndAsync(client, id, cancel) : Task.CompletedTask;
        using var files = new LogFiles(path, format);
        if (lines is { } last) files.SkipToLast(last);
        await StandardOutput.PrintAsync(
            async (output, cancel) =>
            {
                var printer = new LogPrinter(output, StandardOutput.Errors(), format, selection);
                while (true)
                {
                    var last = ended.IsCompleted || selection.Until < DateTimeOffset.UtcNow;
                    files.PrintTo(printer);
                    if (last || printer.IsDone) break;
                    await Task.WhenAny(ended, Task.Delay(Poll, cancel));
                    cancel.ThrowIfCancellationRequested();
                }
            },
            cancel);
        if (ended.IsCompleted) await ended;
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
