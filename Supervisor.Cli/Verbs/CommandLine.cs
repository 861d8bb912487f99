using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Stdio;
using Supervisor.Host.Arguments;

namespace Supervisor.Cli.Verbs;

/// <summary>The command line: all verbs, and the errors for an invalid line.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command line to its exit code.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        Console.SetOut(StandardOutput.Writer());
        var parse = Parse(args);
        if (parse.Errors.Count > 0)
        {
            var words = $"supervisor {Verb.NameOf(parse.CommandResult.Command)}".TrimEnd();
            await Console.Error.WriteLineAsync($"supervisor: {Flaw(parse)} (\"{words} --help\" shows more)");
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
        args = Plain(args);
        var tree = Create(args);
        var parse = tree.Parse(args);
        var verb = parse.CommandResult.Command;
        var line = ProgramWords.SplitClusters(tree, verb, Verb.NameOf(verb) switch
        {
            "kill" => KillCommand.SpellOut(args),
            "run" or "create" => ProgramWords.Mark(tree, verb, args, before: 1),
            "exec" => ProgramWords.Mark(tree, verb, args, before: 2),
            _ => args,
        });
        line = TraceOptions.SpellOut(line);
        return line.SequenceEqual(args) ? parse : tree.Parse(line);
    }

    /// <summary>Normalizes the line: <c>help run</c> is <c>run --help</c>, <c>-v</c> without a verb --version.</summary>
    private static IReadOnlyList<string> Plain(IReadOnlyList<string> args)
    {
        var first = BeforeVerb(args);
        args = [.. args.Select((word, i) => i < first && word == "-n" ? GlobalOptions.Namespace.Name : word)];
        if (first >= args.Count) return args;
        return args[first] switch
        {
            "help" => [.. args.Skip(first + 1), "--help"],
            "-v" or "--version" => ["--version"],
            _ => args,
        };
    }

    /// <summary>The number of words before the verb, which are options of all verbs.</summary>
    private static int BeforeVerb(IReadOnlyList<string> args)
    {
        var first = 0;
        while (first < args.Count && args[first].StartsWith('-') && args[first] is not ("-v" or "--version"))
            first += args[first] is "-n" or "--namespace" or "--address" ? 2 : 1;
        return first;
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
            if (unknown.StartsWith('-')) return DockerOptions.NoSuch(unknown, parse.CommandResult);
            return command is RootCommand
                ? NoSuchVerb(command, unknown)
                : $"\"{unknown}\": unexpected argument: {command.Name} takes "
                    + $"{(command.Arguments.Count == 0 ? "options only" : $"one {command.Arguments[0].Name}")}.";
        }
        if (ProgramWords.MistakenOption(parse) is { } option) return DockerOptions.NoSuch(option, parse.CommandResult);
        if (Verb.NameOf(command) is "run" or "create" && RunCommand.MissingHostname(parse) is { } nameless) return nameless;
        if (Verb.NameOf(command) is "run" or "create" && RunCommand.MissingRootfs(parse) is { } missing) return missing;
        if (command is not RootCommand && command.Subcommands.Count > 0)
            return $"{command.Name}: needs a word after it: {string.Join(", ", command.Subcommands.Select(c => c.Name))}.";
        var error = parse.Errors[0];
        return error.SymbolResult switch
        {
            OptionResult { Option: var number, Tokens: [.., var given] } when IsNumber(number.ValueType)
                && error.Message.Contains(number.ValueType.ToString(), StringComparison.Ordinal) =>
                $"{number.Name}: \"{given.Value}\" is not a whole number, or too large.",
            OptionResult { Option: var once, Tokens.Count: > 1 and var times } when once.Arity.MaximumNumberOfValues == 1 =>
                $"{once.Name}: given {times} times; it takes one value.",
            OptionResult { Option: { Name: var valued, HelpName: var value }, Tokens: [], IdentifierToken: not null } =>
                $"{valued}: needs {value ?? "a value"} after it.",
            ArgumentResult { Argument.Name: var argument, Tokens.Count: 0 } =>
                $"{Verb.NameOf(command)}: no {argument} given: {Verb.NameOf(command)} {Usage(command)}.",
            _ => error.Message,
        };
    }

    private static string Usage(Command verb) =>
        string.Join(' ', verb.Arguments.Select(a =>
            a.Name.ToUpperInvariant() + (a.Arity.MaximumNumberOfValues > 1 ? "..." : "")));

    private static string NoSuchVerb(Command root, string typed)
    {
        if (DockerWords.Here(typed) is { } here) return $"\"{typed}\": no such verb: {here}.";
        var near = Spelling.Nearest(typed, root.Subcommands.Select(v => v.Name));
        var docker = DockerWords.Meant(typed, near is null ? 1 : Spelling.Slips(typed, near));
        return $"\"{typed}\": no such verb" + (near, docker) switch
        {
            (null, null) => ".",
            (null, _) => $": {docker}.",
            (_, null) => $"; did you mean \"{near}\"?",
            _ => $"; did you mean \"{near}\"? {char.ToUpperInvariant(docker[0])}{docker[1..]}.",
        };
    }

    private static bool IsNumber(Type type) =>
        (Nullable.GetUnderlyingType(type) ?? type) is var plain && (plain == typeof(int) || plain == typeof(long));

    /// <summary>The tree of verbs.</summary>
    /// <param name="args">The line: docker's -h of run is --hostname, of all else help.</param>
    public static RootCommand Create(IReadOnlyList<string> args)
    {
        var root = new RootCommand("Runs and supervises Linux containers.")
        {
            GlobalOptions.Address, GlobalOptions.Namespace,
            ServeCommand.Create(args), RunCommand.Create(), RunCommand.CreateWithoutStart(), StartCommand.Create(),
            StopCommand.Create(), StopCommand.CreateRestart(), PauseCommand.Create(), PauseCommand.CreateUnpause(),
            ExecCommand.Create(), AttachCommand.Create(), CheckpointCommand.Create(), RestoreCommand.Create(),
            PsCommand.Create(), LogsCommand.Create(), TopCommand.Create(),
            CpCommand.Create(), ExportCommand.Create(), DiffCommand.Create(),
            StatsCommand.Create(), UpdateCommand.Create(), KillCommand.Create(), RmCommand.Create(), WaitCommand.Create(),
            PullCommand.Create(), PushCommand.Create(), ImagesCommand.Create(), TagCommand.Create(), RmiCommand.Create(),
            LoadCommand.Create(), SaveCommand.Create(), HistoryCommand.Create(), ImageCommand.Create(), LoginCommand.Create(),
            LoginCommand.CreateLogout(),
            InspectCommand.Create(), EventsCommand.Create(), InfoCommand.Create(), VersionCommand.Create(),
            DoctorCommand.Create(), CompletionCommand.Create(() => Create([])), ManCommand.Create(() => Create([])),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        foreach (var dos in (string[])["/h", "/?"]) help.Aliases.Remove(dos); // they are paths here
        var first = BeforeVerb(args);
        if (first < args.Count && args[first] is "run" or "create" && !args.Take(first).Contains("-h"))
            help.Aliases.Remove("-h");
        return root;
    }
}
