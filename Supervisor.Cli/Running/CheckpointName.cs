using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Running;

/// <summary>Names of checkpoints: each is a directory's.</summary>
internal static class CheckpointName
{
    private const int Longest = 76;

    /// <exception cref="CliException">It is not one.</exception>
    public static string Check(string name) =>
        name.Length <= Longest && name is [var first, ..] && char.IsAsciiLetterOrDigit(first)
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
            ? name
            : throw new CliException(
                $"checkpoint \"{name}\": a name has 1 to {Longest} letters, digits, dots, dashes and underscores, and begins "
                + "with a letter or digit");
}
