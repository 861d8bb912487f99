namespace Supervisor.Shim.Oci;

/// <summary>A verb of the command line.</summary>
/// <param name="Name">As it is typed.</param>
/// <param name="Synopsis">Its arguments, for the help text.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Flags">Its own.</param>
/// <param name="Least">Minimum number of arguments.</param>
/// <param name="Most">Maximum number of arguments.</param>
/// <param name="Run">Runs it and returns our exit status.</param>
internal sealed record Verb(
    string Name, string Synopsis, string Help, IReadOnlyList<Flag> Flags, int Least, int Most, Func<Invocation, int> Run)
{
    /// <summary>Arguments after the first are not ours: a program with its arguments.</summary>
    public bool StopsAtFirst { get; init; }

    /// <summary>Our exit status when it fails.</summary>
    public int FailureStatus { get; init; } = 1;

    /// <summary>Prefix of its error messages, e.g. <c>exec failed: </c>; empty for none.</summary>
    public string FailurePrefix { get; init; } = "";
}

/// <summary>One use of a verb.</summary>
/// <param name="Options">The options before it.</param>
/// <param name="Arguments">The arguments after it.</param>
internal sealed record Invocation(GlobalOptions Options, Arguments Arguments)
{
    public string Id => Arguments.Rest[0];

    public StateStore Store { get; } = new(Options.Root);
}
