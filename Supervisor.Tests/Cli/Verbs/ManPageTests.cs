using System.Text.RegularExpressions;
using Supervisor.Cli.Verbs;
using Shell = Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Cli.Verbs;

/// <summary>The manual pages: groff finds no fault in them, and they have every verb and option.</summary>
public sealed class ManPageTests
{
    [Fact]
    public async Task Groff_reads_every_page_without_a_warning_and_shows_all_options()
    {
        var place = Directory.CreateTempSubdirectory("supervisor-man-");
        try
        {
            Assert.Equal(0, await CommandLine.RunAsync(["man", place.FullName]));
            var root = CommandLine.Create([]);
            Assert.Equal(
                Verb.Leaves(root).Select(v => $"{ManPage.NameOf(v)}.1").Append("supervisor.1").Order(StringComparer.Ordinal),
                Directory.GetFiles(place.FullName).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
            foreach (var verb in Verb.Leaves(root))
            {
                var text = await ShowAsync(Path.Join(place.FullName, $"{ManPage.NameOf(verb)}.1"));
                foreach (var option in verb.Options.Where(o => !o.Hidden))
                    Assert.Contains(option.Name, text, StringComparison.Ordinal);
                foreach (var example in Examples.Of(Verb.NameOf(verb)))
                    Assert.Contains($"supervisor {example}", text, StringComparison.Ordinal);
            }
            await ShowAsync(Path.Join(place.FullName, "supervisor.1"));
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    /// <summary>As plain text: a bold letter is one that is struck twice.</summary>
    private static async Task<string> ShowAsync(string page)
    {
        var shown = await Shell.RunAsync("groff", "-ww", "-man", "-Tutf8", "-P-c", "-rLL=200n", page);
        Assert.True(shown is { Status: 0, Errors: "" }, $"{page}: {shown.Errors}");
        return Regex.Replace(Regex.Replace(shown.Output, ".\b", ""), @"\s+", " ");
    }
}
