namespace Supervisor.Shim.Oci;

/// <summary>What follows a flag's name.</summary>
internal enum FlagKind
{
    /// <summary>Nothing, or <c>=true</c> and <c>=false</c>.</summary>
    Switch,

    /// <summary>One value; the last one counts.</summary>
    Value,

    /// <summary>One value for each occurrence.</summary>
    List,
}

/// <summary>A flag of the command line.</summary>
/// <param name="Names">The long one first, then short ones, separated by a space.</param>
/// <param name="Kind">What follows it.</param>
/// <param name="Help">Its help text, one line.</param>
internal sealed record Flag(string Names, FlagKind Kind, string Help)
{
    public string Name => Names.Split(' ')[0];

    public static Flag Switch(string names, string help) => new(names, FlagKind.Switch, help);

    public static Flag Value(string names, string help) => new(names, FlagKind.Value, help);

    public static Flag List(string names, string help) => new(names, FlagKind.List, help);

    /// <summary>The form in a help text.</summary>
    public string Shown =>
        string.Join(", ", Names.Split(' ').Select(n => (n.Length == 1 ? "-" : "--") + n))
        + (Kind is FlagKind.Switch ? "" : " value");
}
