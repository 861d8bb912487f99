using System.CommandLine;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor completion</c>: a script with which a shell completes verbs, options and ids.</summary>
internal static class CompletionCommand
{
    /// <param name="root">The tree of verbs, once it is complete.</param>
    public static Command Create(Func<RootCommand> root)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        string[] shells = ["bash", "zsh", "fish"];
        shell.Validators.Add(result =>
        {
            if (result.Tokens is [var given, ..] && !shells.Contains(given.Value, StringComparer.Ordinal))
                result.AddError($"\"{given.Value}\": no such shell: {string.Join(", ", shells)}.");
        });
        shell.CompletionSources.Add(shells);
        var command = new Command("completion", "Prints a script that completes commands, for a shell to read") { shell };
        command.Does(async (parse, _) =>
        {
            await Console.Out.WriteAsync(parse.GetRequiredValue(shell) switch
            {
                "fish" => CompletionScript.Fish(root()),
                "zsh" => "autoload -U +X bashcompinit && bashcompinit\n" + CompletionScript.Bash(root()),
                _ => CompletionScript.Bash(root()),
            });
            return 0;
        });
        return command;
    }
}
