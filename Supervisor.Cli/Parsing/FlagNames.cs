using System.Text.RegularExpressions;
using Supervisor.Cli.Formatting;

namespace Supervisor.Cli.Parsing;

/// <summary>Errors name the field of a request or spec that is wrong: the command line's users gave it as an option.</summary>
internal static partial class FlagNames
{
    /// <summary>The text with its field's name replaced by the option's; unchanged if it names none.</summary>
    public static string InPlaceOfField(string text)
    {
        var field = Field().Match(text);
        if (field.Success && Of(field.Groups[1].Value) is { } flag) text = $"{flag}:{text[field.Length..]}";
        return text.Replace("process.cwd \"", "--workdir \"", StringComparison.Ordinal);
    }

    private static string? Of(string field) => field switch
    {
        "container.id" => "--name",
        "process.cwd" or "cwd" => "--workdir",
        "process.args[0]" or "args[0]" => "the program's name",
        "hostname" => "--hostname",
        "linux.resources.memory.limit" => "--memory",
        "linux.resources.pids.limit" => "--pids-limit",
        "root.path" => "--rootfs",
        _ when IsOf(field, "args[") => "the program's arguments",
        _ when IsOf(field, "env[") || field is "env" or "process.env" => "--env",
        _ when IsOf(field, "user.") => "--user",
        _ => null,
    };

    private static bool IsOf(string field, string list) =>
        field.StartsWith(list, StringComparison.Ordinal) || field.StartsWith($"process.{list}", StringComparison.Ordinal);

    [GeneratedRegex(@"\A([a-z][A-Za-z]*(?:\.[A-Za-z]+|\[\d+\])*):")]
    private static partial Regex Field();
}
