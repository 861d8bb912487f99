using System.CommandLine;

namespace Supervisor.Host.Cli;

/// <summary>The containers that a verb is given.</summary>
internal static class Ids
{
    public static Argument<string[]> OneOrMore() => new("container")
    {
        Description = "Container ids",
        Arity = ArgumentArity.OneOrMore,
    };

    public static Argument<string> One() => new("container") { Description = "Container id" };
}
