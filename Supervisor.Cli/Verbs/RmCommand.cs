using System.CommandLine;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor rm</c>: removes containers, their stopped tasks and their logs.</summary>
internal static class RmCommand
{
    public static Command Create()
    {
        var force = new Option<bool>("--force", "-f") { Description = "Kill a running task" };
        var ids = Ids.OneOrMore();
        var command = new Command("rm", "Removes containers") { force, ids };
        command.Does(async (parse, client, cancel) =>
        {
            return await Each.DoAsync(parse.GetRequiredValue(ids), async id =>
            {
                await Removal.RemoveAsync(client, id, parse.GetValue(force), cancel);
                await Console.Out.WriteLineAsync(id);
            });
        });
        return command;
    }
}
