using System.Globalization;
using System.Text;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>
/// Numbers of several contestants, the first of which is ours: the others' columns are followed by ours in relation to theirs.
/// </summary>
/// <param name="Title">Of the section in the document.</param>
/// <param name="About">What is measured, in a sentence or two.</param>
internal sealed record Table(string Title, string About, IReadOnlyList<string> Contestants)
{
    private readonly List<(string What, IReadOnlyList<double?> Values, bool IsCompared)> _rows = [];

    /// <param name="what">With its unit.</param>
    /// <param name="values">In the order of the contestants; null where one was not measured.</param>
    public void Add(string what, params IReadOnlyList<double?> values) => Add(what, values, isCompared: true);

    /// <summary>Without ratios: what was measured of one contestant differs from what was of another.</summary>
    public void AddAlone(string what, IReadOnlyList<double?> values) => Add(what, values, isCompared: false);

    /// <summary>Two rows: median and 99th percentile.</summary>
    public void Add(string what, IEnumerable<Samples?> samples)
    {
        var all = samples.ToList();
        Add($"{what}, p50, ms", all.ConvertAll(s => s?.P50));
        Add($"{what}, p99, ms", all.ConvertAll(s => s?.P99));
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder($"### {Title}\n\n{About}\n\n");
        Row(text, ["", Contestants[0], .. Contestants.Skip(1).SelectMany(c => (string[])[c, "ratio"])]);
        Row(text, ["---", .. Enumerable.Repeat("---:", Contestants.Count * 2 - 1)]);
        foreach (var (what, values, isCompared) in _rows)
        {
            Row(text, [what, Number(values[0]), .. values.Skip(1).SelectMany(v =>
                (string[])[Number(v), isCompared ? Number(values[0] / v) : ""])]);
        }
        return text.ToString();
    }

    private void Add(string what, IReadOnlyList<double?> values, bool isCompared)
    {
        if (values.Count != Contestants.Count)
            throw new ArgumentException($"{what}: {values.Count} values for {Contestants.Count} contestants", nameof(values));
        _rows.Add((what, values, isCompared));
    }

    /// <summary>Three significant digits.</summary>
    private static string Number(double? value) => value switch
    {
        null or double.NaN or double.PositiveInfinity => "",
        >= 1000 => Math.Round(value.Value).ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => value.Value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 0.1 => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.000", CultureInfo.InvariantCulture),
    };

    private static void Row(StringBuilder text, IEnumerable<string> cells) => text.Append($"| {string.Join(" | ", cells)} |\n");
}
