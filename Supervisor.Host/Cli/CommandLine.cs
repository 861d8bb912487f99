using System.CommandLine;

namespace Supervisor.Host.Cli;

/// <summary>The command line: all verbs, and what becomes of a line that is none.</summary>
internal static class CommandLine
{
    private static readonly (string Name, Func<Command> Create)[] Verbs =
    [
        ("serve", ServeCommand.Create), ("run", RunCommand.Create), ("exec", ExecCommand.Create), ("ps", PsCommand.Create), ("logs", LogsCommand.Create),
        ("kill", KillCommand.Create), ("rm", RmCommand.Create), ("wait", WaitCommand.Create), ("inspect", InspectCommand.Create),
        ("events", EventsCommand.Create), ("version", VersionCommand.Create), ("doctor", DoctorCommand.Create),
    ];

    /// <summary>Runs one command line to its exit code.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        var parse = Create(args).Parse(args);
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

    /// <summary>The tree of verbs: of the whole tree the branches that a line can mean, so that a short command does not build the others' options.</summary>
    /// <param name="args">The line; where it asks for help or holds no verb's name (a mistake) the tree is whole.</param>
    public static RootCommand Create(IReadOnlyList<string> args)
    {
        var root = new RootCommand("Runs and supervises Linux containers.") { GlobalOptions.Address, GlobalOptions.Namespace };
        var meant = args.Any(a => a is "--help" or "-h" or "-?") ? [] : Verbs.Where(v => args.Contains(v.Name)).ToArray();
        foreach (var verb in meant is [] ? Verbs : meant) root.Add(verb.Create());
        return root;
    }
}
