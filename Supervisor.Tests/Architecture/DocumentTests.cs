using System.Text.RegularExpressions;

namespace Supervisor.Tests.Architecture;

/// <summary>Documents name the tests that verify their claims: each of those tests exists.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents =>
        [.. Directory.GetFiles(Path.Join(Repository.Root, "docs"), "*.md").Select(f => Path.GetFileName(f))];

    [Theory, MemberData(nameof(Documents))]
    public void Every_test_that_a_document_names_exists(string document)
    {
        var text = File.ReadAllText(Path.Join(Repository.Root, "docs", document));
        foreach (Match named in Name.Matches(text))
        {
            var file = Path.Join(Repository.Root, "Supervisor.Tests", named.Groups["class"].Value + ".cs");
            Assert.True(File.Exists(file), $"docs/{document} names {named.Value}: there is no {file}");
            if (named.Groups["method"] is { Success: true, Value: var method })
                Assert.True(
                    Regex.IsMatch(File.ReadAllText(file), $@"public (async )?(Task|void) {method}\("),
                    $"docs/{document} names {named.Value}: {file} has no such test");
        }
    }

    [Fact]
    public void Every_vulnerability_is_covered_by_a_test_or_needs_none()
    {
        var table = File.ReadLines(Path.Join(Repository.Root, "docs/security.md"))
            .Where(l => l.StartsWith("| ", StringComparison.Ordinal));
        var rows = table.Skip(2).ToList();
        Assert.True(rows.Count > 20, $"{rows.Count} rows");
        Assert.All(rows, row => Assert.Matches($@"^\| .+ \| .+ \| .+ \| (nothing to test|{Name}(, {Name})*) \|$", row));
    }

    [Fact]
    public void Every_vulnerability_that_a_test_covers_is_in_the_table()
    {
        var table = File.ReadAllText(Path.Join(Repository.Root, "docs/security.md"));
        var tests = Directory.GetFiles(Path.Join(Repository.Root, "Supervisor.Tests"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(f => Flaw.Matches(File.ReadAllText(f)).Select(m => (File: f, Flaw: m.Value))).ToList();
        Assert.True(tests.Count > 30, $"{tests.Count} are named");
        Assert.All(tests, t =>
            Assert.True(table.Contains(t.Flaw, StringComparison.Ordinal), $"{t.File}: {t.Flaw} is not in docs/security.md"));
    }

    [GeneratedRegex(@"CVE-\d+-\d+")]
    private static partial Regex Flaw { get; }

    [GeneratedRegex(@"(?<![\w./])(?:Supervisor\.Tests/)?(?<class>(?:[A-Z]\w+/)+\w+Tests)\b(?:\.(?<method>[A-Z]\w+))?")]
    private static partial Regex Name { get; }
}
