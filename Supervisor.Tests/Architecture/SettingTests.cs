using System.Text.RegularExpressions;
using Supervisor.Host.Daemon;

namespace Supervisor.Tests.Architecture;

/// <summary>Every setting has its default in a reference file, and nowhere else, and is read.</summary>
public sealed partial class SettingTests
{
    private const string Journal = "akka.persistence.journal.sqlite", Snapshots = "akka.persistence.snapshot-store.sqlite";

    /// <summary>Keys of the plugins' sections that Akka.Persistence reads.</summary>
    private static readonly string[] ReadByAkka =
        ["class", "plugin-dispatcher", "replay-filter.mode", "circuit-breaker.max-failures", "circuit-breaker.reset-timeout"];

    [Fact]
    public void The_daemon_reads_every_setting_of_its_file_and_no_other() => AssertSame(
        Leaves("hocon/supervisor.hocon", "supervisor."),
        [.. Reads("Supervisor.Host", "Supervisor.Actors").SelectMany(f => f.Sections.Append("").SelectMany(s =>
            f.Keys.Select(k => (Path: s == "" ? k.Name : $"{s}.{k.Name}", k.Where))))]);

    [Fact]
    public void The_journal_plugin_reads_every_setting_of_its_reference_and_no_other() => AssertSame(
        [.. Leaves("Supervisor.Persistence.Sqlite/reference.conf", "akka.")
            .Where(leaf => !ReadByAkka.Any(k => leaf == $"{Journal}.{k}" || leaf == $"{Snapshots}.{k}"))],
        [.. Reads("Supervisor.Persistence.Sqlite").SelectMany(f => ((string[])[Journal, $"{Journal}.history", Snapshots])
            .SelectMany(s => f.Keys.Select(k => (Path: $"{s}.{k.Name}", k.Where))))]);

    [Theory]
    [InlineData("config.GetInt(\"workers\")", false)]
    [InlineData("config.GetInt(\"workers\", 8)", true)]
    [InlineData("config.GetByteSize(\"size\") ?? 0", true)]
    public void A_second_default_is_recognised(string code, bool has) => Assert.Equal(has, HasDefault(Getter().Match(code)));

    [Fact]
    public void No_setting_has_a_second_default_in_the_code() =>
        Assert.Equal([], Reads("Supervisor.Host", "Supervisor.Actors", "Supervisor.Persistence.Sqlite")
            .SelectMany(f => f.Keys).Where(k => k.HasDefault).Select(k => $"{k.Where}: {k.Name}"));

    /// <param name="reads">Of each read, its key in every section that it may be in.</param>
    private static void AssertSame(IReadOnlyList<string> leaves, IReadOnlyList<(string Path, string Where)> reads)
    {
        Assert.NotEmpty(leaves);
        Assert.Equal([], leaves.Except(reads.Select(r => r.Path)));
        Assert.Equal([], reads.GroupBy(r => r.Where).Where(g => !g.Any(r => leaves.Contains(r.Path))).Select(g => g.Key));
    }

    private static List<string> Leaves(string file, string prefix)
    {
        var set = HoconGuard.Check(File.ReadAllText(Path.Join(Repository.Root, file))).Select(s => s.Path).ToList();
        return [.. set.Where(p => p.StartsWith(prefix, StringComparison.Ordinal)
            && !set.Exists(other => other.StartsWith(p + ".", StringComparison.Ordinal)))];
    }

    private static IEnumerable<(IReadOnlyList<string> Sections, IReadOnlyList<Read> Keys)> Reads(params string[] projects) =>
        SourceFiles.All.Where(f => projects.Contains(Path.GetRelativePath(Repository.Root, f).Split('/')[0])).Select(file =>
        {
            var all = Getter().Matches(File.ReadAllText(file)).ToList();
            var name = Path.GetFileName(file);
            return ((IReadOnlyList<string>)[.. all.Where(IsSection).Select(m => m.Groups["key"].Value)],
                (IReadOnlyList<Read>)[.. all.Where(m => !IsSection(m))
                    .Select(m => new Read(m.Groups["key"].Value, $"{name}, {m.Value}", HasDefault(m)))]);
        });

    private static bool IsSection(Match getter) => getter.Groups["type"].Value == "Config";

    private static bool HasDefault(Match getter) => getter.Groups["more"].Value is not ")";

    private sealed record Read(string Name, string Where, bool HasDefault);

    [GeneratedRegex(
        """\.Get(?<type>Int|Long|String|Boolean|TimeSpan|ByteSize|StringList|Config)\(\s*"(?<key>[^"]+)"\s*"""
        + """(?<more>,|\)(?:\s*\?\?)?)""")]
    private static partial Regex Getter();
}
