using System.CommandLine;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Cli;

/// <summary>The options that every verb takes.</summary>
internal static class GlobalOptions
{
    public static Option<string?> Address { get; } = new("--address")
    {
        Description = $"Socket of the daemon (default {DaemonOptions.DefaultAddress})",
        HelpName = "SOCKET",
        Recursive = true,
    };

    public static Option<string> Namespace { get; } = new("--namespace")
    {
        Description = "Namespace of containers and tasks",
        HelpName = "NAME",
        Recursive = true,
        DefaultValueFactory = _ => "default",
    };

    /// <summary>A client of the daemon that the options name.</summary>
    public static DaemonClient Connect(ParseResult parse) =>
        new(parse.GetValue(Address) ?? DaemonOptions.DefaultAddress, parse.GetRequiredValue(Namespace));
}
