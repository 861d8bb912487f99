using System.Text.Json;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Formatting;

/// <summary>Documents by a template: a line each, or a table.</summary>
internal static class Format
{
    /// <exception cref="Errors.CliException">A field is not there.</exception>
    public static string Render(
        Template template, IReadOnlyList<JsonElement> documents, IReadOnlyDictionary<string, string>? aliases = null)
    {
        var lines = documents.Select(d => template.Render(d, aliases)).ToList();
        if (!template.IsTable) return string.Concat(lines.Select(l => l + "\n"));
        var heading = template.Heading().Split('\t');
        return TextTable.Render(heading, lines.Select(l => Row(l, heading.Length)));
    }

    /// <summary>As many cells as there are columns, also where a value has a tab in it.</summary>
    private static string[] Row(string line, int columns)
    {
        var cells = line.Split('\t', columns);
        return [.. cells, .. Enumerable.Repeat("", columns - cells.Length)];
    }
}
