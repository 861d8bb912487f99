namespace Supervisor.Cli.Output;

/// <summary>Rows in aligned columns, two spaces apart: readable for people and for awk(1).</summary>
internal static class TextTable
{
    public static string Render(IReadOnlyList<string> heading, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> all = [heading, .. rows];
        var widths = heading.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        return string.Concat(
            all.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd() + "\n"));
    }
}
