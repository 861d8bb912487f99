using System.CommandLine;
using System.Text.Json;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor ps</c>: containers and the status of their tasks.</summary>
internal static class PsCommand
{
    private const int CommandWidth = 40;

    /// <summary>docker's names of fields.</summary>
    private static readonly Dictionary<string, string> Aliases =
        new(StringComparer.Ordinal) { ["names"] = "id", ["name"] = "id", ["state"] = "status" };

    private delegate string Render(IReadOnlyList<(Container Container, Process? Task)> rows);

    public static Command Create()
    {
        var all = new Option<bool>("--all", "-a") { Description = "Also containers with a stopped task or none" };
        var format = new Option<string>("--format")
        {
            Description = "table, json (an array), or a template such as '{{.ID}} {{.Status}}' or 'table {{.ID}}\\t{{.Command}}'",
            HelpName = "table|json|TEMPLATE",
            DefaultValueFactory = _ => "table",
        };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Ids only" };
        var whole = new Option<bool>("--no-trunc") { Description = "Do not cut commands" };
        var filters = new Option<string[]>("--filter", "-f")
        {
            Description = "Only those with id=, name= (a part of it), status=, exited= (a code) or label=NAME[=VALUE]",
            HelpName = "KEY=VALUE",
        };
        var command = new Command("ps", "Lists containers") { all, filters, format, whole, quiet };
        command.Does((parse, client, cancel) =>
        {
            var filter = ContainerFilter.Parse(parse.GetValue(filters) ?? []);
            Render render = parse.GetValue(quiet) ? Ids : parse.GetRequiredValue(format) switch
            {
                "table" => rows => Table(rows, parse.GetValue(whole) ? int.MaxValue : CommandWidth),
                "json" => Json,
                var text => Templated(Template.Parse(text)),
            };
            return ListAsync(client, parse.GetValue(all) || filter.IsOfAll, filter, render, cancel);
        });
        return command;
    }

    private static async Task<int> ListAsync(
        DaemonClient client, bool all, ContainerFilter filter, Render render, CancellationToken cancel)
    {
        var containers = client.Containers.ListAsync(new ListContainersRequest(), client.Call(cancel));
        var tasks = client.Tasks.ListAsync(new ListTasksRequest(), client.Call(cancel)); // one turn of the connection for both
        var listed = (await containers).Containers;
        var byContainer = (await tasks).Tasks.ToDictionary(t => t.Id, StringComparer.Ordinal);
        var rows = listed
            .Select(c => (Container: c, Task: byContainer.GetValueOrDefault(c.Id)))
            .Where(r => (all || r.Task is { Status: not Status.Stopped }) && filter.Matches(r.Container, r.Task))
            .ToList();
        await Console.Out.WriteAsync(render(rows));
        return 0;
    }

    private static string Ids(IReadOnlyList<(Container Container, Process? Task)> rows) =>
        string.Concat(rows.Select(r => r.Container.Id + '\n'));

    private static string Table(IReadOnlyList<(Container Container, Process? Task)> rows, int width) => TextTable.Render(
        ["ID", "STATUS", "PID", "CREATED", "COMMAND"],
        rows.Select(r => new[]
        {
            r.Container.Id, StatusText(r.Task), r.Task is { Pid: > 0 and var pid, Status: not Status.Stopped }
                ? pid.ToString() : "-",
            r.Container.CreatedAt.ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            Shown(SpecJson.Command(r.Container), width),
        }));

    private static Render Templated(Template template) => rows =>
    {
        using var document = JsonDocument.Parse(Json(rows));
        return Format.Render(template, [.. document.RootElement.EnumerateArray()], Aliases);
    };

    private static string Json(IReadOnlyList<(Container Container, Process? Task)> rows) => JsonOutput.Render(json =>
    {
        json.WriteStartArray();
        foreach (var (container, task) in rows)
        {
            json.WriteStartObject();
            json.WriteString("id", container.Id);
            json.WriteString("status", task is null ? "none" : task.Status.ToString().ToLowerInvariant());
            json.WriteNumber("pid", task is { Status: not Status.Stopped } ? task.Pid : 0);
            if (task is { Status: Status.Stopped }) json.WriteNumber("exitStatus", task.ExitStatus);
            json.WriteTime("exitedAt", task?.ExitedAt);
            json.WriteTime("createdAt", container.CreatedAt);
            json.WriteString("image", container.Image);
            json.WriteStartArray("command");
            foreach (var arg in SpecJson.Command(container)) json.WriteStringValue(arg);
            json.WriteEndArray();
            json.WriteMap("labels", container.Labels);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }) + "\n";

    private static string StatusText(Process? task) => task switch
    {
        null => "-",
        { Status: Status.Stopped } => $"exited ({task.ExitStatus})",
        _ => task.Status.ToString().ToLowerInvariant(),
    };

    /// <summary>No text of a container's author may move the cursor of the user's terminal.</summary>
    private static string Shown(IEnumerable<string> command, int width)
    {
        var line = string.Join(' ', command.Select(a => string.Concat(a.Select(c => char.IsControl(c) ? '?' : c))));
        return line.Length <= width ? line : line[..(width - 1)] + "…";
    }
}
