using System.CommandLine;
using System.Text.Json;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Verbs;

/// <summary>The options <c>--format</c> and <c>--json</c> of a verb that prints one value.</summary>
internal static class OneValue
{
    private const string Json = "json";

    public static Option<string?> Format(string example) => new("--format", "-f")
    {
        Description = $"json, or a template such as {example}", HelpName = "json|TEMPLATE",
    };

    /// <summary>What the line asks for; null for neither. <c>--json</c> is the word json.</summary>
    public static Choice? Template(ParseResult parse, Option<string?> format, Option<bool> json) =>
        parse.GetValue(json) || parse.GetValue(format) is Json ? new Choice(null)
        : parse.GetValue(format) is { } text ? new Choice(Formatting.Template.Parse(text)) : null;

    /// <summary>The value as JSON, or by the template.</summary>
    public static string Render(Choice choice, IReadOnlyDictionary<string, string> aliases, Action<Utf8JsonWriter> write)
    {
        var json = JsonOutput.Render(write);
        return choice.Template is null ? json + "\n" : Formatting.Format.Render(choice.Template, json, aliases);
    }

    /// <param name="Template">Null for JSON.</param>
    public sealed record Choice(Template? Template);
}
