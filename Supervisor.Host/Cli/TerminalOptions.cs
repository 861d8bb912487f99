using System.CommandLine;
using Supervisor.Host.Cli.Stdio;

namespace Supervisor.Host.Cli;

/// <summary>What the verbs with a terminal have in common.</summary>
internal static class TerminalOptions
{
    public static Option<string?> DetachKeys() => new("--detach-keys")
    {
        Description = $"Keys that leave the terminal while its program goes on (default {Stdio.DetachKeys.Usual}); not "
            + "without a daemon",
        HelpName = "KEYS",
    };
}
