namespace Supervisor.Shim.Oci;

/// <summary>A verb of the command line.</summary>
/// <param name="Name">As it is typed.</param>
/// <param name="Synopsis">What follows it, for the help text.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Flags">Its own.</param>
/// <param name="Least">How many words it needs at least.</param>
/// <param name="Most">How many at most.</param>
/// <param name="Run">Does it; its answer is our exit status.</param>
internal sealed record Verb(
    string Name, string Synopsis, string Help, IReadOnlyList<Flag> Flags, int Least, int Most, Func<Invocation, int> Run)
{
    /// <summary>What follows the first word is not for us: a program with its arguments.</summary>
    public bool StopsAtFirst { get; init; }

    /// <summary>Our exit status when it fails.</summary>
    public int FailureStatus { get; init; } = 1;

    /// <summary>What its failures begin with, e.g. <c>exec failed: </c>; empty for none.</summary>
    public string FailurePrefix { get; init; } = "";
}

/// <summary>One use of a verb.</summary>
/// <param name="Options">What was said before it.</param>
/// <param name="Arguments">What was said after it.</param>
internal sealed record Invocation(GlobalOptions Options, Arguments Arguments)
{
    public string Id => Arguments.Rest[0];

    public StateStore Store { get; } = new(Options.Root);
}
