using System.CommandLine;

namespace Supervisor.Host.Cli;

/// <summary>The command line: all verbs, and what becomes of a line that is none.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command line to its exit code.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        var parse = Create().Parse(args);
        if (parse.Errors.Count > 0)
        {
            var verb = parse.CommandResult.Command is RootCommand ? "" : $" {parse.CommandResult.Command.Name}";
            var wrong = parse.UnmatchedTokens is [var unknown, ..] ? $"\"{unknown}\": no such verb or option." : parse.Errors[0].Message;
            await Console.Error.WriteLineAsync($"supervisor: {wrong} (\"supervisor{verb} --help\" tells more)");
            return ExitCodes.Ours;
        }
        // Signals are each verb's own business: run forwards them, serve stops in phases, the others just end.
        return await parse.InvokeAsync(
            new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }

    /// <summary>The tree of verbs.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand("Runs and supervises Linux containers.")
        {
            GlobalOptions.Address, GlobalOptions.Namespace,
            ServeCommand.Create(), RunCommand.Create(), ExecCommand.Create(), PsCommand.Create(), LogsCommand.Create(), KillCommand.Create(),
            RmCommand.Create(), WaitCommand.Create(), InspectCommand.Create(), EventsCommand.Create(), VersionCommand.Create(),
            DoctorCommand.Create(),
        };
        return root;
    }
}
