using System.Text.RegularExpressions;

namespace Supervisor.Tests.Architecture;

/// <summary>Documents say which test holds what: each of those is there.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents => [.. Directory.GetFiles(Path.Join(Repository.Root, "docs"), "*.md").Select(f => Path.GetFileName(f))];

    [Theory, MemberData(nameof(Documents))]
    public void Every_test_that_a_document_names_is_there(string document)
    {
        var text = File.ReadAllText(Path.Join(Repository.Root, "docs", document));
        foreach (Match named in Name.Matches(text))
        {
            var file = Path.Join(Repository.Root, "Supervisor.Tests", named.Groups["class"].Value + ".cs");
            Assert.True(File.Exists(file), $"docs/{document} names {named.Value}: there is no {file}");
            if (named.Groups["method"] is { Success: true, Value: var method })
                Assert.True(File.ReadAllText(file).Contains($" {method}(", StringComparison.Ordinal), $"docs/{document} names {named.Value}: {file} has no such test");
        }
    }

    [Fact]
    public void There_are_such_names() => Assert.True(Name.Count(File.ReadAllText(Path.Join(Repository.Root, "docs/security.md"))) > 30);

    [GeneratedRegex(@"(?<![\w./])(?:Supervisor\.Tests/)?(?<class>(?:[A-Z]\w+/)+\w+Tests)\b(?:\.(?<method>[A-Z]\w+))?")]
    private static partial Regex Name { get; }
}
