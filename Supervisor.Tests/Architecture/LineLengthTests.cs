namespace Supervisor.Tests.Architecture;

/// <summary>Lines of source have at most 130 characters, as .editorconfig says; texts of a raw literal are data.</summary>
public class LineLengthTests
{
    private const int Most = 130;

    [Fact]
    public void No_line_is_longer_than_130_characters() =>
        Assert.Equal([], SourceFiles.All.SelectMany(
            f => Long(File.ReadLines(f)).Select(n => $"{Path.GetRelativePath(Repository.Root, f)}:{n}")));

    [Fact]
    public void A_long_line_is_detected_except_in_a_raw_literal()
    {
        var line = new string('x', Most + 1);
        Assert.Equal([2, 6], Long(["short", line, "var text = \"\"\"", line, "    \"\"\";", line, $"\"\"\"{line}\"\"\""]));
    }

    private static IEnumerable<int> Long(IEnumerable<string> lines)
    {
        var (number, isRaw) = (0, false);
        foreach (var line in lines)
        {
            number++;
            if (!isRaw && line.Length > Most && !line.Contains("\"\"\"", StringComparison.Ordinal)) yield return number;
            for (var at = line.IndexOf("\"\"\"", StringComparison.Ordinal); at >= 0;
                at = line.IndexOf("\"\"\"", at + 3, StringComparison.Ordinal))
                isRaw = !isRaw;
        }
    }
}
