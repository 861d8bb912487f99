using System.Text.Json;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Formatting;

/// <summary>Documents by a template: a line each, or a table.</summary>
internal static class Format
{
    /// <exception cref="Errors.CliException">A field is not there.</exception>
    public static string Render(
        Template template, IReadOnlyList<JsonElement> documents, IReadOnlyDictionary<string, string>? aliases = null,
        IReadOnlyDictionary<string, string>? headings = null)
    {
        var lines = documents.Select(d => template.Render(d, aliases)).ToList();
        if (!template.IsTable) return string.Concat(lines.Select(l => l + "\n"));
        var heading = template.Heading().Split('\t').Select(h => headings?.GetValueOrDefault(h) ?? h).ToList();
        return TextTable.Render(heading, lines.Select(l => Row(l, heading.Count)));
    }

    /// <summary>One document, in JSON.</summary>
    /// <exception cref="Errors.CliException">A field is not there.</exception>
    public static string Render(Template template, string json, IReadOnlyDictionary<string, string>? aliases = null)
    {
        using var document = JsonDocument.Parse(json);
        return Render(template, [document.RootElement], aliases);
    }

    /// <summary>A JSON array: as it is, or a line for each of its documents.</summary>
    /// <param name="template">Null: as it is.</param>
    /// <exception cref="Errors.CliException">A field is not there.</exception>
    public static string Render(Template? template, string array)
    {
        if (template is null) return array + "\n";
        using var document = JsonDocument.Parse(array);
        return Render(template, [.. document.RootElement.EnumerateArray()]);
    }

    /// <summary>As many cells as there are columns, also where a value has a tab in it.</summary>
    private static string[] Row(string line, int columns)
    {
        var cells = line.Split('\t', columns);
        return [.. cells, .. Enumerable.Repeat("", columns - cells.Length)];
    }
}
