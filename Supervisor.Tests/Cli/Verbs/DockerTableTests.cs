using System.CommandLine;
using System.Text.RegularExpressions;
using Supervisor.Cli.Verbs;

namespace Supervisor.Tests.Cli.Verbs;

/// <summary>docs/cli.md says the truth about verbs and options, and every example in a help text is a command.</summary>
public sealed partial class DockerTableTests
{
    private static readonly RootCommand Root = CommandLine.Create([]);

    private static readonly string[][] Rows =
    [
        .. File.ReadLines(Path.Join(Repository.Root, "docs/cli.md")).Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .Select(l => l.Split('|', StringSplitOptions.TrimEntries)[1..^1]),
    ];

    private static readonly Dictionary<string, Command> Commands = Verb.Leaves(Root).ToDictionary(Verb.NameOf);

    public static TheoryData<string> Verbs => [.. Commands.Keys];

    [Theory, MemberData(nameof(Verbs))]
    public void Each_option_of_a_verb_is_in_the_table_and_those_said_to_be_absent_are(string verb)
    {
        if (verb is "serve" or "doctor" or "completion" or "man" or "restore") return; // not docker's
        var row = Assert.Single(Rows, r => r.Length == 3 && r[0] == $"`{verb}`");
        var options = Commands[verb].Options.Where(o => !o.Hidden)
            .SelectMany(o => o.Aliases.Append(o.Name)).Where(o => o[0] == '-').Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.Equal(options, Named(row[1]));
        // What comes after a colon is the reason.
        var absent = row[2].Split("; ").SelectMany(part => Named(part.Split(": ")[0]));
        Assert.Empty(absent.Intersect(options));
    }

    [Fact]
    public void The_verbs_that_are_said_to_be_absent_are()
    {
        var absent = Rows.Where(r => r.Length == 2).SelectMany(r => Word().Matches(r[0]).Select(m => m.Groups[1].Value)).ToList();
        Assert.True(absent.Count > 10, $"{absent.Count} verbs");
        Assert.Empty(absent.Intersect(Root.Subcommands.Select(v => v.Name)));
    }

    [Theory, MemberData(nameof(Verbs))]
    public void Each_verb_has_examples_and_each_of_them_is_a_valid_line(string verb)
    {
        Assert.NotEmpty(Examples.Of(verb));
        Assert.All(Examples.Of(verb).Concat(Examples.Of("")), example =>
        {
            string[] words = [.. Shell().Matches(example).Select(m => m.Value.Trim('\''))];
            Assert.Equal((example, 0), (example, CommandLine.Parse(words).Errors.Count));
        });
        Assert.All(Examples.Of(verb), example => Assert.StartsWith(verb, example, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("fish")]
    public void Completion_has_every_verb_and_its_options(string shell)
    {
        var script = shell is "bash" ? CompletionScript.Bash(Root) : CompletionScript.Fish(Root);
        Assert.All(Root.Subcommands, verb => Assert.Contains(
            shell is "bash" ? $"    {verb.Name}) options=" : $"-a {verb.Name} -d", script, StringComparison.Ordinal));
        Assert.Contains(shell is "bash" ? "--pids-limit" : "-l pids-limit", script, StringComparison.Ordinal);
    }

    private static IReadOnlyList<string> Named(string cell) =>
        [.. Option().Matches(cell).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal)];

    [GeneratedRegex("`(--?[a-zA-Z-]+)`")]
    private static partial Regex Option();

    [GeneratedRegex("`([a-z]+)`")]
    private static partial Regex Word();

    [GeneratedRegex("'[^']*'|[^ ]+")]
    private static partial Regex Shell();
}
