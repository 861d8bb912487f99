using System.CommandLine;
using Containerd.Services.Tasks.V1;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor wait</c>: prints the exit status of each container's task once it has exited.</summary>
internal static class WaitCommand
{
    public static Command Create()
    {
        var ids = Ids.OneOrMore();
        var command = new Command("wait", "Waits for containers to exit and prints their exit statuses") { ids };
        command.Does((parse, client, cancel) => Each.PrintAsync(
            parse.GetRequiredValue(ids),
            async id =>
            {
                var request = new WaitRequest { ContainerId = id };
                var reply = await client.StayAsync(() => client.Tasks.WaitAsync(request, client.OpenEnded(cancel)).ResponseAsync);
                return $"{reply.ExitStatus}";
            }));
        return command;
    }
}
