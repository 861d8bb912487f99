using System.Text;
using System.Text.Json;
using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Formatting;

/// <summary>
/// A template of <c>--format</c>: text with the part of Go's templates that users of docker write: <c>{{.Field}}</c>,
/// <c>{{.Outer.Inner}}</c>, <c>{{json .Field}}</c>, <c>{{json .}}</c>, <c>{{index .Map "key"}}</c> and
/// <c>{{join .List ","}}</c>. Names of fields are found whatever their case is.
/// </summary>
internal sealed class Template
{
    private const string TableWord = "table ";
    private readonly IReadOnlyList<TemplatePart> _parts;

    private Template(IReadOnlyList<TemplatePart> parts, bool isTable) => (_parts, IsTable) = (parts, isTable);

    /// <summary>Whether a heading and aligned columns are wanted: <c>table …</c>.</summary>
    public bool IsTable { get; }

    /// <exception cref="CliException">It is not of this kind; the message shows the part.</exception>
    public static Template Parse(string text)
    {
        var isTable = text.StartsWith(TableWord, StringComparison.Ordinal);
        if (isTable) text = text[TableWord.Length..];
        var parts = new List<TemplatePart>();
        for (var at = 0; at < text.Length;)
        {
            var open = text.IndexOf("{{", at, StringComparison.Ordinal);
            if (open != at) parts.Add(new TemplatePart.Text(Unescape(text[at..(open < 0 ? text.Length : open)])));
            if (open < 0) break;
            var close = text.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0) throw new CliException($"--format: \"{text[open..]}\" has no end: }}}} is missing");
            parts.Add(TemplatePart.Parse(text[(open + 2)..close]));
            at = close + 2;
        }
        return parts.Exists(p => p is TemplatePart.Field)
            ? new Template(parts, isTable)
            : throw new CliException(
                $"--format: \"{text}\" is neither a word for a format nor a template with {{{{.Field}}}} in it");
    }

    /// <summary>The text for one document.</summary>
    /// <param name="aliases">Other names of fields, in lower case.</param>
    /// <exception cref="CliException">There is no such field; the message lists those that there are.</exception>
    public string Render(JsonElement document, IReadOnlyDictionary<string, string>? aliases = null)
    {
        var text = new StringBuilder();
        foreach (var part in _parts) text.Append(part.Render(document, aliases));
        return text.ToString();
    }

    /// <summary>The names of a table's columns, at the places of their fields.</summary>
    public string Heading() => string.Concat(_parts.Select(p => p.Heading));

    /// <summary>As docker, outside of the braces.</summary>
    private static string Unescape(string text) =>
        text.Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal);
}
