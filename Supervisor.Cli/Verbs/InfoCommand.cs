using System.CommandLine;
using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor info</c>: the daemon and its containers in numbers.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var command = new Command("info", "Shows the daemon, its directories and how many containers it has");
        command.Does(async (_, client, cancel) =>
        {
            var version = await client.Version.VersionAsync(new Empty(), client.Call(cancel));
            var (root, state) = await client.DirectoriesAsync(cancel);
            var containers = await client.Containers.ListAsync(new ListContainersRequest(), client.Call(cancel));
            var tasks = (await client.Tasks.ListAsync(new ListTasksRequest(), client.Call(cancel))).Tasks;
            string[][] rows =
            [
                ["Client", ClientVersion.Version],
                ["Daemon", version.Version],
                ["Address", client.Address],
                ["Root", root],
                ["State", state],
                ["Namespace", client.Namespace],
                ["Containers", $"{containers.Containers.Count}"],
                ["Running", $"{tasks.Count(t => t.Status is Status.Running)}"],
                ["Paused", $"{tasks.Count(t => t.Status is Status.Paused)}"],
            ];
            await Console.Out.WriteAsync(string.Concat(rows.Select(r => $"{r[0] + ":",-12}{r[1]}\n")));
            return 0;
        });
        return command;
    }
}
