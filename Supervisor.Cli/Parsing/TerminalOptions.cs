using System.CommandLine;
using Supervisor.Cli.Stdio;

namespace Supervisor.Cli.Parsing;

/// <summary>The options that verbs with a terminal share.</summary>
internal static class TerminalOptions
{
    public static Option<string?> DetachKeys() => new("--detach-keys")
    {
        Description = $"Keys that detach from the terminal; its program keeps running (default {Stdio.DetachKeys.Usual}); not "
            + "without a daemon",
        HelpName = "KEYS",
    };
}
