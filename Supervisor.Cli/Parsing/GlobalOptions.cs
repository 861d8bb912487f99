using System.CommandLine;
using Supervisor.Cli.Connection;
using Supervisor.Host.Arguments;

namespace Supervisor.Cli.Parsing;

/// <summary>The options that every verb takes.</summary>
internal static class GlobalOptions
{
    public static Option<string?> Address => ServeArguments.Address;

    public static Option<string> Namespace => ServeArguments.Namespace;

    /// <summary>The address that the line or SUPERVISOR_ADDRESS names; null for neither.</summary>
    public static string? NamedAddress(ParseResult parse) => parse.GetValue(Address)
        ?? (Environment.GetEnvironmentVariable("SUPERVISOR_ADDRESS") is { Length: > 0 } variable ? variable : null);

    /// <summary>The address that is meant.</summary>
    public static string AddressOf(ParseResult parse) => NamedAddress(parse) ?? DaemonDefaults.Address;

    /// <summary>A client of the daemon that the options name.</summary>
    public static DaemonClient Connect(ParseResult parse) => new(AddressOf(parse), parse.GetRequiredValue(Namespace));
}
