using System.CommandLine;
using System.CommandLine.Parsing;
using Supervisor.Host.Cli.Stdio;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Cli;

/// <summary>The command line: all verbs, and the errors for an invalid line.</summary>
internal static class CommandLine
{
    private static readonly (string Name, Func<Command> Create)[] Verbs =
    [
        ("serve", ServeCommand.Create), ("run", RunCommand.Create), ("start", StartCommand.Create), ("exec", ExecCommand.Create),
        ("attach", AttachCommand.Create), ("ps", PsCommand.Create), ("logs", LogsCommand.Create),
        ("kill", KillCommand.Create), ("rm", RmCommand.Create), ("wait", WaitCommand.Create), ("inspect", InspectCommand.Create),
        ("events", EventsCommand.Create), ("version", VersionCommand.Create), ("doctor", DoctorCommand.Create),
    ];

    /// <summary>Runs one command line to its exit code.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        Console.SetOut(StandardOutput.Writer());
        var parse = Parse(args);
        if (parse.Errors.Count > 0)
        {
            var verb = parse.CommandResult.Command is RootCommand ? "" : $" {parse.CommandResult.Command.Name}";
            await Console.Error.WriteLineAsync($"supervisor: {Flaw(parse)} (\"supervisor{verb} --help\" shows more)");
            return ExitCodes.Ours;
        }
        // Each verb handles signals itself: run forwards them, serve stops in phases, the others just exit.
        try
        {
            return await parse.InvokeAsync(
                new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        }
        catch (ReaderClosedException)
        {
            return ExitCodes.ReaderClosed; // of a help text, which no verb handles
        }
        catch (CliException e)
        {
            await Console.Error.WriteLineAsync($"supervisor: {e.Message}");
            return e.ExitCode;
        }
    }

    /// <summary>Reads one line.</summary>
    internal static ParseResult Parse(IReadOnlyList<string> args)
    {
        var tree = Create(args);
        var parse = tree.Parse(args);
        return parse.CommandResult.Command switch
        {
            { Name: "kill" } => tree.Parse(KillCommand.SpellOut(args)),
            { Name: "run" } run => tree.Parse(ProgramWords.Mark(tree, run, args, before: 1)),
            { Name: "exec" } exec => tree.Parse(ProgramWords.Mark(tree, exec, args, before: 2)),
            _ => parse,
        };
    }

    /// <summary>The first mistake, worded for users: the library's messages name our types.</summary>
    internal static string Flaw(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        // A mistyped option was taken for a container: the container is then one argument too many.
        if (parse.Errors.FirstOrDefault(e => e.Message.StartsWith("\"-", StringComparison.Ordinal)) is { } mistaken)
            return mistaken.Message;
        if (parse.UnmatchedTokens is [var unknown, ..])
        {
            if (unknown.StartsWith('-')) return Spelling.NoSuchOption(unknown, parse.CommandResult);
            if (command is not RootCommand)
                return $"\"{unknown}\": is too much: {command.Name} takes "
                + $"{(command.Arguments.Count == 0 ? "options only" : $"one {command.Arguments[0].Name}")}.";
            return DockerWords.Here(unknown) is { } here
                ? $"\"{unknown}\": no such verb: {here}."
                : $"\"{unknown}\": no such "
                    + (Spelling.Nearest(unknown, Verbs.Select(v => v.Name)) is { } near
                        ? $"verb; did you mean \"{near}\"?" : "verb.");
        }
        if (ProgramWords.MistakenOption(parse) is { } option) return Spelling.NoSuchOption(option, parse.CommandResult);
        var error = parse.Errors[0];
        return error.SymbolResult is OptionResult { Option: var number, Tokens: [.., var given] } && IsNumber(number.ValueType)
            && error.Message.Contains(number.ValueType.ToString(), StringComparison.Ordinal)
            ? $"{number.Name}: \"{given.Value}\" is not a whole number, or too large."
            : error.Message;
    }

    private static bool IsNumber(Type type) =>
        (Nullable.GetUnderlyingType(type) ?? type) is var plain && (plain == typeof(int) || plain == typeof(long));

    /// <summary>
    /// The tree of verbs, only with the branches that a line can mean: a short command does not build the options of the others.
    /// </summary>
    /// <param name="args">The line; if it asks for help or has no verb (a mistake), the tree is complete.</param>
    public static RootCommand Create(IReadOnlyList<string> args)
    {
        var root = new RootCommand("Runs and supervises Linux containers.") { GlobalOptions.Address, GlobalOptions.Namespace };
        var meant = args.Any(a => a is "--help" or "-h" or "-?") ? [] : Verbs.Where(v => args.Contains(v.Name)).ToArray();
        foreach (var verb in meant is [] ? Verbs : meant) root.Add(verb.Create());
        return root;
    }
}
