using System.CommandLine;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor exec</c>: runs another program in a container, in the foreground.</summary>
internal static class ExecCommand
{
    private static readonly Option<bool> Terminal = new("--tty", "-t") { Description = "Give it a terminal" };

    private static readonly Option<bool> Detach = new("--detach", "-d") {
        Description = "Run it in the background; its output is discarded" };

    private static readonly Option<bool> Privileged = new("--privileged") {
        Description = "With all capabilities that the daemon has" };

    private static readonly Option<bool> Interactive = new("--interactive", "-i") {
        Description = "Keep stdin open; this is always done" };

    private static readonly Option<string?> Detaching = TerminalOptions.DetachKeys();

    private static readonly Option<string[]> Env = new("--env", "-e")
    {
        Description = "NAME=value, or NAME to pass the caller's; added to the container's",
        HelpName = "NAME[=value]",
    };

    private static readonly Option<string?> Cwd = new("--workdir", "-w") {
        Description = "Working directory (default: the container's)", HelpName = "DIR" };
    private static readonly Option<string?> User = new("--user", "-u") {
        Description = "User to run as (default: the container's)", HelpName = "USER[:GROUP]" };
    private static readonly Argument<string> Id = Ids.One();

    // All words after the id belong to the program.
    private static readonly Argument<string[]> Program = new("command")
    {
        Description = "Program and its arguments",
        Arity = ArgumentArity.OneOrMore,
        CaptureRemainingTokens = true,
    };

    public static Command Create()
    {
        var command = new Command("exec", "Runs another program in a running container") {
            Detach, Terminal, Interactive, Detaching, Env, Cwd, User, Privileged, Id, Program };
        command.Does(async (parse, client, _) =>
        {
            var options = new ExecOptions(
                parse.GetRequiredValue(Id),
                parse.GetValue(Terminal),
                [.. (parse.GetValue(Env) ?? []).SelectMany(RunCommand.Expand)],
                parse.GetValue(Cwd),
                parse.GetValue(User),
                parse.GetRequiredValue(Program))
            {
                DetachKeys = parse.GetValue(Detaching) is { } keys ? DetachKeys.Parse(keys) : null,
                Detach = parse.GetValue(Detach),
                Privileged = parse.GetValue(Privileged),
            };
            if (options is { Detach: true } && (options.DetachKeys is not null || parse.GetValue(Interactive)))
                throw new CliException("--detach: goes neither with --interactive nor with --detach-keys: there is no input");
            if (options is { Terminal: false, DetachKeys: not null })
                throw new CliException("--detach-keys: needs a terminal (-t)");
            if (options.Terminal && parse.GetValue(Interactive)) InputDevice.RequireTerminal("leave out -t, or -i");
            using var signals = new ForegroundSignals();
            return await new ExecRun(client, options, signals).RunAsync();
        });
        return command;
    }
}
