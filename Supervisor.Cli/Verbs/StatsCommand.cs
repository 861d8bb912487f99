using System.CommandLine;
using System.Text;
using System.Text.Json;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;
using Supervisor.Client;
using Supervisor.Client.Errors;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor stats</c>: what containers use, once or every second.</summary>
internal static class StatsCommand
{
    private const string TopLeft = "\e[H", RestOfLine = "\e[K", RestOfScreen = "\e[J";

    private const string Table =
        "table {{.ID}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.BlockIO}}\t{{.PIDs}}\t{{.PSI}}";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private sealed record Shown(IReadOnlyList<string> Named, bool All, bool Once, Func<IReadOnlyList<string>, string> Render);

    public static Command Create()
    {
        var all = new Option<bool>("--all", "-a") { Description = "Also containers that do not run" };
        var format = new Option<string>("--format")
        {
            Description = "table, json (one object a line), or a template such as '{{.Name}} {{.CPUPerc}}' or 'table {{.ID}}'",
            HelpName = "table|json|TEMPLATE", DefaultValueFactory = _ => "table",
        };
        var json = JsonOption.Create("One JSON object a line, as --format json");
        var once = new Option<bool>("--no-stream") { Description = "Print once, and not every second" };
        var whole = new Option<bool>("--no-trunc") { Description = "Do not cut ids; they never are" };
        var ids = Ids.OneOrMore();
        ids.Arity = ArgumentArity.ZeroOrMore;
        var command = new Command("stats", "Shows what running containers use: all of them, or those named") {
            all, format, json, once, whole, ids };
        command.Does(async (parse, client, cancel) =>
        {
            var named = parse.GetValue(ids) ?? [];
            foreach (var id in named) await client.ContainerAsync(id, cancel); // each must exist
            var shown = new Shown(named, parse.GetValue(all) || named.Length > 0, parse.GetValue(once),
                Renderer(parse.GetValue(json) ? "json" : parse.GetRequiredValue(format)));
            await StandardOutput.PrintAsync((output, cancel) => FollowAsync(client, shown, output, cancel), cancel);
            return 0;
        });
        return command;
    }

    private static Func<IReadOnlyList<string>, string> Renderer(string format)
    {
        if (format is "json") return rows => string.Concat(rows.Select(r => r + "\n"));
        var template = Template.Parse(format is "table" ? Table : format);
        return rows =>
        {
            using var document = JsonDocument.Parse($"[{string.Join(',', rows)}]");
            return Format.Render(template, [.. document.RootElement.EnumerateArray()], StatsRow.Aliases, StatsRow.Headings);
        };
    }

    private static async Task FollowAsync(DaemonClient client, Shown shown, StandardOutput output, CancellationToken cancel)
    {
        var redraws = !shown.Once && !Console.IsOutputRedirected;
        if (redraws) output.Write(Encoding.UTF8.GetBytes(TopLeft + RestOfScreen));
        for (var before = await SampleAsync(client, shown, cancel); ;)
        {
            await Task.Delay(Interval, cancel);
            var now = await SampleAsync(client, shown, cancel);
            var text = shown.Render([.. now.Select(n => StatsRow.Json(n.Key, before.GetValueOrDefault(n.Key), n.Value))]);
            // Nothing is cleared before it is written again, so that nothing flickers.
            if (redraws) text = TopLeft + text.Replace("\n", RestOfLine + "\n", StringComparison.Ordinal) + RestOfScreen;
            output.Write(Encoding.UTF8.GetBytes(text));
            if (shown.Once) return;
            before = now;
        }
    }

    /// <summary>What runs, and of the others what is shown all the same, with null.</summary>
    private static async Task<SortedDictionary<string, TaskStats?>> SampleAsync(
        DaemonClient client, Shown shown, CancellationToken cancel)
    {
        var tasks = await client.StayAsync(
            () => client.Tasks.ListAsync(new ListTasksRequest(), client.Call(cancel)).ResponseAsync);
        var running = tasks.Tasks.Where(t => t.Status is Status.Running or Status.Paused && IsShown(t.Id)).Select(t => t.Id);
        var samples = new SortedDictionary<string, TaskStats?>(StringComparer.Ordinal);
        var measured = await Task.WhenAll(running.Select(async id => (Id: id, Stats: await TrySampleAsync(client, id, cancel))));
        foreach (var (id, stats) in measured)
            if (stats is not null) samples[id] = stats;
        if (!shown.All) return samples;
        var containers = await client.StayAsync(
            () => client.Containers.ListAsync(new ListContainersRequest(), client.Call(cancel)).ResponseAsync);
        foreach (var container in containers.Containers.Where(c => IsShown(c.Id))) samples.TryAdd(container.Id, null);
        return samples;

        bool IsShown(string id) => shown.Named.Count == 0 || shown.Named.Contains(id);
    }

    /// <summary>Null if it has exited in the meantime.</summary>
    private static async Task<TaskStats?> TrySampleAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            return await client.TaskOf(id).StatsAsync(cancel);
        }
        catch (ClientException e) when (e.Code is ErrorCode.NotFound)
        {
            return null;
        }
    }
}
