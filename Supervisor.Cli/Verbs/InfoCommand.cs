using System.CommandLine;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor info</c>: the daemon and its containers in numbers.</summary>
internal static class InfoCommand
{
    /// <summary>docker's names of fields.</summary>
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.Ordinal)
    {
        ["serverversion"] = "daemon", ["dockerrootdir"] = "root", ["containersrunning"] = "running",
        ["containerspaused"] = "paused", ["containersstopped"] = "stopped",
    };

    public static Command Create()
    {
        var format = OneValue.Format("'{{.Daemon}} {{.Running}}'");
        var json = JsonOption.Create();
        var command = new Command("info", "Shows the daemon, its directories and how many containers it has") { format, json };
        command.Does(async (parse, client, cancel) =>
        {
            var template = OneValue.Template(parse, format, json);
            var version = await client.Version.VersionAsync(new Empty(), client.Call(cancel));
            var (root, state) = await client.DirectoriesAsync(cancel);
            var containers = (await client.Containers.ListAsync(new ListContainersRequest(), client.Call(cancel))).Containers;
            var tasks = (await client.Tasks.ListAsync(new ListTasksRequest(), client.Call(cancel))).Tasks;
            var (running, paused) = (tasks.Count(t => t.Status is Status.Running), tasks.Count(t => t.Status is Status.Paused));
            (string Name, string? Text, int Number)[] rows =
            [
                ("Client", ClientVersion.Version, 0),
                ("Daemon", version.Version, 0),
                ("Address", client.Address, 0),
                ("Root", root, 0),
                ("State", state, 0),
                ("Namespace", client.Namespace, 0),
                ("Containers", null, containers.Count),
                ("Running", null, running),
                ("Paused", null, paused),
                ("Stopped", null, containers.Count - running - paused),
            ];
            await Console.Out.WriteAsync(template is null
                ? string.Concat(rows.Select(r => $"{r.Name + ":",-12}{r.Text ?? $"{r.Number}"}\n"))
                : OneValue.Render(template, Aliases, value =>
                {
                    value.WriteStartObject();
                    foreach (var (name, text, number) in rows)
                    {
                        if (text is null) value.WriteNumber(name.ToLowerInvariant(), number);
                        else value.WriteString(name.ToLowerInvariant(), text);
                    }
                    value.WriteEndObject();
                }));
            return 0;
        });
        return command;
    }
}
