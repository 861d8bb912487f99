using System.CommandLine;
using System.Text.Json;
using Containerd.Services.Containers.V1;
using Containerd.V1.Types;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.V1;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor inspect</c>: containers and their tasks, as a JSON array.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var format = new Option<string>("--format", "-f")
        {
            Description = "json, or a template such as '{{.Task.Status}}'; a line for each container", HelpName = "json|TEMPLATE",
            DefaultValueFactory = _ => "json",
        };
        var size = new Option<bool>("--size", "-s") { Description = "Also the sizes of what each has written, and of all files" };
        var json = JsonOption.Create("A JSON array, as without any option");
        var ids = Ids.OneOrMore();
        var command = new Command("inspect", "Shows containers and their tasks as JSON") { format, json, size, ids };
        command.Does(async (parse, client, cancel) =>
        {
            var template = !parse.GetValue(json) && parse.GetRequiredValue(format) is not "json" and var text
                ? Template.Parse(text) : null;
            var found = new List<(Container, Process?, InspectResponse?, UsageResponse?)>();
            var status = await Each.DoAsync(parse.GetRequiredValue(ids), async id =>
            {
                var container = await client.ContainerAsync(id, cancel);
                var task = await Removal.FindTaskAsync(client, id, cancel);
                var usage = parse.GetValue(size)
                    ? await client.Files.UsageAsync(new UsageRequest { Id = id }, client.OpenEnded(cancel)) : null;
                found.Add((container, task, task is null ? null : await InspectAsync(client, id, cancel), usage));
            });
            var rendered = JsonOutput.Render(json =>
            {
                json.WriteStartArray();
                foreach (var (container, task, facts, usage) in found)
                    Write(json, client.Namespace, container, task, facts, usage);
                json.WriteEndArray();
            });
            await Console.Out.WriteAsync(Format.Render(template, rendered));
            return status;
        });
        return command;
    }

    /// <summary>Null if the task was deleted between two calls, or the daemon at the socket is containerd.</summary>
    private static async Task<InspectResponse?> InspectAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            return await client.Inspection.InspectAsync(new InspectRequest { Id = id }, client.Call(cancel));
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound or StatusCode.Unimplemented)
        {
            return null;
        }
    }

    private static void Write(
        Utf8JsonWriter json, string @namespace, Container container, Process? task, InspectResponse? facts, UsageResponse? usage)
    {
        json.WriteStartObject();
        json.WriteString("id", container.Id);
        json.WriteString("namespace", @namespace);
        json.WriteString("image", container.Image);
        json.WriteString("runtime", container.Runtime.Name);
        json.WriteString("snapshotter", container.Snapshotter);
        json.WriteString("snapshotKey", container.SnapshotKey);
        json.WriteTime("createdAt", container.CreatedAt);
        json.WriteTime("updatedAt", container.UpdatedAt);
        json.WriteMap("labels", container.Labels);
        if (usage is { HasLayer: true })
        {
            json.WriteNumber("sizeRw", usage.LayerSize);
            json.WriteNumber("sizeRootFs", usage.TotalSize);
        }
        else if (usage is not null) json.WriteNull("sizeRw"); // it has no layer of its own
        json.WritePropertyName("task");
        if (task is null) json.WriteNullValue();
        else WriteTask(json, task, facts);
        json.WritePropertyName("spec");
        if (SpecJson.Document(container) is { } spec) json.WriteRawValue(spec);
        else json.WriteNullValue();
        json.WriteEndObject();
    }

    private static void WriteTask(Utf8JsonWriter json, Process task, InspectResponse? facts)
    {
        json.WriteStartObject();
        json.WriteString("status", facts?.Status ?? task.Status.ToString().ToLowerInvariant());
        json.WriteNumber("pid", task.Pid);
        if (task.Status is Containerd.V1.Types.Status.Stopped) json.WriteNumber("exitStatus", task.ExitStatus);
        else json.WriteNull("exitStatus");
        json.WriteTime("exitedAt", task.ExitedAt);
        json.WriteString("stdin", task.Stdin);
        json.WriteString("stdout", task.Stdout);
        json.WriteString("stderr", task.Stderr);
        json.WriteBoolean("terminal", task.Terminal);
        if (facts is not null)
        {
            json.WriteBoolean("oomKilled", facts.OomKilled);
            json.WriteString("reason", facts.Reason);
            json.WriteString("bundle", facts.Bundle);
            json.WriteMap("cgroupPaths", facts.CgroupPaths);
            json.WriteNumber("startTime", facts.StartTime);
            json.WriteString("bootId", facts.BootId);
        }
        json.WriteEndObject();
    }
}
