using System.CommandLine;

namespace Supervisor.Cli.Parsing;

/// <summary><c>--trace</c> and <c>--trace=FILE</c>: never the next word, which may be the program.</summary>
internal sealed class TraceOptions
{
    private const string Name = "--trace", To = "--trace-to";

    /// <summary>To standard error.</summary>
    public Option<bool> Switch { get; } = new(Name) {
        Description = "Print the system calls of the launch, with results and microseconds; --trace=FILE writes them there" };

    /// <summary>What <c>--trace=FILE</c> is spelled out to.</summary>
    public Option<string?> File { get; } = new(To) { Hidden = true };

    /// <summary>A file, empty for standard error; null where it is not given.</summary>
    public string? Read(ParseResult parse) => parse.GetValue(File) ?? (parse.GetValue(Switch) ? "" : null);

    /// <summary>The line with <c>--trace=FILE</c> spelled out, before the program's words.</summary>
    public static IReadOnlyList<string> SpellOut(IReadOnlyList<string> line)
    {
        var end = line.ToList().IndexOf("--");
        return [.. line.Select((word, i) => (end < 0 || i < end) && word.StartsWith($"{Name}=", StringComparison.Ordinal)
            ? $"{To}={word[(Name.Length + 1)..]}" : word)];
    }
}
