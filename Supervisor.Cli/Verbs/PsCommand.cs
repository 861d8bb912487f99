using System.CommandLine;
using System.Text.Json;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Copying;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.V1;
using Status = Containerd.V1.Types.Status;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor ps</c>: containers and the status of their tasks.</summary>
internal static class PsCommand
{
    private const int CommandWidth = 40;

    /// <summary>docker's names of fields.</summary>
    private static readonly Dictionary<string, string> Aliases =
        new(StringComparer.Ordinal) { ["names"] = "id", ["name"] = "id", ["state"] = "status" };

    /// <param name="Usage">Null if it was not asked for.</param>
    private sealed record Row(Container Container, Process? Task, UsageResponse? Usage);

    private delegate string Render(IReadOnlyList<Row> rows);

    public static Command Create()
    {
        var all = new Option<bool>("--all", "-a") { Description = "Also containers with a stopped task or none" };
        var format = new Option<string>("--format")
        {
            Description = "table, json (an array), or a template such as '{{.ID}} {{.Status}}' or 'table {{.ID}}\\t{{.Command}}'",
            HelpName = "table|json|TEMPLATE",
            DefaultValueFactory = _ => "table",
        };
        var json = JsonOption.Create("A JSON array, as --format json");
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Ids only" };
        var whole = new Option<bool>("--no-trunc") { Description = "Do not cut commands" };
        var size = new Option<bool>("--size", "-s") { Description = "Also the sizes of what each has written, and of all files" };
        var filters = new Option<string[]>("--filter", "-f")
        {
            Description = "Only those with id=, name= (a part of it), status=, exited= (a code) or label=NAME[=VALUE]",
            HelpName = "KEY=VALUE",
        };
        var command = new Command("ps", "Lists containers") { all, filters, format, json, whole, quiet, size };
        command.Does((parse, client, cancel) =>
        {
            var filter = ContainerFilter.Parse(parse.GetValue(filters) ?? []);
            Render render = parse.GetValue(quiet) ? Ids : parse.GetValue(json) ? Json : parse.GetRequiredValue(format) switch
            {
                "table" => rows => Table(rows, parse.GetValue(whole) ? int.MaxValue : CommandWidth),
                "json" => Json,
                var text => Templated(Template.Parse(text)),
            };
            return ListAsync(
                client, parse.GetValue(all) || filter.IsOfAll, filter, parse.GetValue(size) && !parse.GetValue(quiet), render,
                cancel);
        });
        return command;
    }

    private static async Task<int> ListAsync(
        DaemonClient client, bool all, ContainerFilter filter, bool sizes, Render render, CancellationToken cancel)
    {
        var containers = client.Containers.ListAsync(new ListContainersRequest(), client.Call(cancel));
        var tasks = client.Tasks.ListAsync(new ListTasksRequest(), client.Call(cancel)); // one turn of the connection for both
        var listed = (await containers).Containers;
        var byContainer = (await tasks).Tasks.ToDictionary(t => t.Id, StringComparer.Ordinal);
        var rows = listed
            .Select(c => (Container: c, Task: byContainer.GetValueOrDefault(c.Id)))
            .Where(r => (all || r.Task is { Status: not Status.Stopped }) && filter.Matches(r.Container, r.Task))
            .ToList();
        var usage = await Task.WhenAll(rows.Select(r => sizes ? UsageAsync(client, r.Container.Id, cancel) : NotAsked));
        await Console.Out.WriteAsync(render([.. rows.Zip(usage, (r, u) => new Row(r.Container, r.Task, u))]));
        return 0;
    }

    private static Task<UsageResponse?> NotAsked { get; } = Task.FromResult<UsageResponse?>(null);

    /// <summary>Without a layer where it was removed meanwhile, or its files cannot be measured: the others are still
    /// listed.</summary>
    private static async Task<UsageResponse?> UsageAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            return await client.Files.UsageAsync(new UsageRequest { Id = id }, client.OpenEnded(cancel));
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound or StatusCode.FailedPrecondition)
        {
            return new UsageResponse();
        }
    }

    private static string Ids(IReadOnlyList<Row> rows) =>
        string.Concat(rows.Select(r => r.Container.Id + '\n'));

    private static string Table(IReadOnlyList<Row> rows, int width) => TextTable.Render(
        ["ID", "STATUS", "PID", "CREATED", "COMMAND", .. Sizes(rows) ? (string[])["SIZE"] : []],
        rows.Select(r => (string[])
        [
            r.Container.Id, StatusText(r.Task), r.Task is { Pid: > 0 and var pid, Status: not Status.Stopped }
                ? pid.ToString() : "-",
            r.Container.CreatedAt.ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            Shown(SpecJson.Command(r.Container), width),
            .. r.Usage is { } usage ? (string[])[SizeText(usage)] : [],
        ]));

    private static bool Sizes(IReadOnlyList<Row> rows) => rows.Count > 0 && rows[0].Usage is not null;

    private static string SizeText(UsageResponse usage) => usage.HasLayer
        ? $"{DecimalSize.Of(usage.LayerSize)} (virtual {DecimalSize.Of(usage.TotalSize)})" : "-";

    private static Render Templated(Template template) => rows =>
    {
        using var document = JsonDocument.Parse(Json(rows));
        return Format.Render(template, [.. document.RootElement.EnumerateArray()], Aliases);
    };

    private static string Json(IReadOnlyList<Row> rows) => JsonOutput.Render(json =>
    {
        json.WriteStartArray();
        foreach (var (container, task, usage) in rows)
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
            if (usage is not null) json.WriteString("size", SizeText(usage));
            if (usage is { HasLayer: true }) json.WriteNumber("sizeRw", usage.LayerSize);
            if (usage is { HasLayer: true }) json.WriteNumber("sizeRootFs", usage.TotalSize);
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
