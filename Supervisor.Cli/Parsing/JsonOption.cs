using System.CommandLine;

namespace Supervisor.Cli.Parsing;

/// <summary>The option <c>--json</c> of verbs that print data.</summary>
internal static class JsonOption
{
    public static Option<bool> Create(string description = "One JSON value") => new("--json") { Description = description };
}
