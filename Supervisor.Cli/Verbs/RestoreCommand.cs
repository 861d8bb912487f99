using System.CommandLine;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor restore CONTAINER CHECKPOINT</c>: short for <c>start --checkpoint</c>.</summary>
internal static class RestoreCommand
{
    public static Command Create()
    {
        var directory = CheckpointCommand.Directory();
        var id = Ids.One();
        var name = new Argument<string>("checkpoint") { Description = "Name of the checkpoint" };
        var command = new Command("restore", "Starts a container from its checkpoint, in the background") { directory, id, name };
        command.Does(async (parse, client, cancel) =>
        {
            var container = parse.GetRequiredValue(id);
            await StartCommand.RestoreAsync(client, container, parse.GetRequiredValue(name), parse.GetValue(directory), cancel);
            await Console.Out.WriteLineAsync(container);
            return 0;
        });
        return command;
    }
}
