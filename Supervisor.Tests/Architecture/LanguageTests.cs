using System.Text.RegularExpressions;

namespace Supervisor.Tests.Architecture;

/// <summary>
/// Words of its own that this project has given up for those of its field; docs/glossary.md has the replacements. Checked are
/// names, comments, messages, settings, protocols and documents of products, tests, benchmarks and scripts; decision records
/// stay as written.
/// </summary>
public partial class LanguageTests
{
    [Fact]
    public void No_retired_word_is_used()
    {
        var documents = Directory.EnumerateFiles(Repository.Root, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Join(Repository.Root, "docs"), "*.md"))
            .Concat(Directory.EnumerateFiles(Path.Join(Repository.Root, "hocon")))
            .Concat(((string[])["supervisor", "journal"]).SelectMany(d => Directory.EnumerateFiles(
                Path.Join(Repository.Root, "Supervisor.Protos", d), "*.proto", SearchOption.AllDirectories)))
            .Where(f => Path.GetFileName(f) is not ("glossary.md" or "CHANGELOG.md"));
        var sources = SourceFiles.All.Where(f => Path.GetFileName(f) != $"{nameof(LanguageTests)}.cs");
        Assert.Equal([], sources.Concat(SourceFiles.Scripts).Concat(documents).SelectMany(Retired));
    }

    [Theory]
    [InlineData("/// <summary>Told of the end.</summary>", "Told")]
    [InlineData("// nobody waits any more", "nobody")]
    [InlineData("the init is born in its cgroup", "born")]
    [InlineData("var births = 2;", "births")]
    [InlineData("// the actor begins anew", "anew")]
    [InlineData("\"belongs to nobody: it is ended\"", "nobody")]
    [InlineData("// for want of memory", "for want of")]
    [InlineData("StubBirth.Run()", "Birth")]
    [InlineData("A_subscriber_hears_of_it()", "hears")]
    [InlineData("plan.Lent[0]", "Lent")]
    [InlineData("/sys is lent read-only", "lent")]
    [InlineData("a process of the daemon before.", "daemon before")]
    [InlineData("// it would wait for ever", "for ever")]
    [InlineData("what the kernel does not let go of", "let go of")]
    [InlineData("its output goes on", "goes on")]
    [InlineData("LetKilledEnd();", "LetKilledEnd")]
    [InlineData("child.HasEndedBefore()", "HasEndedBefore")]
    [InlineData("run -u \"nobody\" is a user", "")]
    [InlineData("// a newborn idea, an anemone, Notold, forever, silent, talent, stop the daemon before it", "")]
    public void A_retired_word_is_detected_in_names_and_prose(string line, string word) =>
        Assert.Equal(word, Word().Match(Foreign().Replace(line, "")).Value);

    private static IEnumerable<string> Retired(string file) => File.ReadLines(file)
        .Select((line, i) => (Match: Word().Match(Foreign().Replace(line, "")), Number: i + 1)).Where(l => l.Match.Success)
        .Select(l => $"{Path.GetRelativePath(Repository.Root, file)}:{l.Number}: \"{l.Match.Value}\"");

    /// <summary>Names that are not ours to choose: Akka's, a field of the journal, a user; tests and files.</summary>
    [GeneratedRegex(@"ActorRefs\.Nobody|""nobody\\?""|\bm?\.?ToldIn\b|\btold_in\b|\w+Tests\.\w+|\S+\.md")]
    private static partial Regex Foreign();

    // A name's parts count as words: StubBirth, _born, WaitForBirth.
    [GeneratedRegex(
        @"(?<![A-Za-z])(nobody|whoever|somebody|anybody|everybody|anew|told|tells|thirsty|births?|born|bereaved|tenants?"
        + @"|for want of|former self|launch rule|taken back|gives birth|bears being|the talk|hears?|heard|the ones? who"
        + @"|lent|lends?|for ever|lets? go of|goes on|went on|daemon before(?=[.,;:)])|himself|has to say)(?![a-z])"
        + @"|(?<=[a-z_])(Birth|Births|Born|Told|Tenants?|Bereaved|Nobody|Whoever|Lent)(?![a-z])"
        + @"|\b(LetKilledEnd|HasEndedBefore|NoLongerWanted|ShimLives)\b"
        + @"|(?<![A-Za-z])(Nobody|Whoever|Somebody|Told|Tells|Births?|Born|Bereaved|Tenants?|Anybody|Everybody|For want of"
        + @"|Lent|Lends?)(?![a-z])")]
    private static partial Regex Word();
}
