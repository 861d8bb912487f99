using System.Text.RegularExpressions;

namespace Supervisor.Tests.Architecture;

/// <summary>The walks in ARCHITECTURE.md lead from file to file: each exists, and the word that leads on is in both.</summary>
public partial class WalkTests
{
    private static readonly string Map = File.ReadAllText(Path.Join(Repository.Root, "ARCHITECTURE.md"));

    [Fact]
    public void Every_file_and_folder_that_the_map_names_exists()
    {
        var places = Place().Matches(Map).Select(m => m.Groups["place"].Value).Distinct().ToList();
        Assert.True(places.Count > 40, $"only {places.Count} places are named");
        Assert.Equal([], places.Where(p => !Exists(p)));
    }

    [Fact]
    public void Each_step_of_a_walk_leads_to_the_next()
    {
        var from = Map.IndexOf("## Six walks", StringComparison.Ordinal);
        var walks = Map[from..Map.IndexOf("## What holds", from, StringComparison.Ordinal)];
        var files = Place().Matches(walks).Select(m => m.Groups["place"].Value).ToList();
        Assert.True(files.Count > 40, $"only {files.Count} files are named");
        Assert.Equal([], files.Where(f => !File.Exists(FileOf(f))));
        Assert.Equal(6, walks.Split("\n- ").Length - 1);
        var steps = Step().Matches(walks);
        Assert.True(steps.Count > 40, $"only {steps.Count} steps");
        Assert.Equal([], steps.Where(s => !Leads(s)).Select(s => s.Value));
    }

    /// <summary>A file, a folder, or a file and a member of its class.</summary>
    private static bool Exists(string place) =>
        File.Exists(FileOf(place)) || Directory.Exists(Path.ChangeExtension(FileOf(place), null))
        || place.LastIndexOf('.') is > 0 and var dot && File.Exists(FileOf(place[..dot]))
            && File.ReadAllText(FileOf(place[..dot])).Contains($" {place[(dot + 1)..]}(", StringComparison.Ordinal);

    private static bool Leads(Match step) => new[] { step.Groups["from"].Value, step.Groups["to"].Value }.All(
        file => File.ReadLines(FileOf(file)).Any(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal)
            && Regex.IsMatch(l, $@"\b{step.Groups["word"].Value}\b")));

    private static string FileOf(string place) =>
        Path.Join(Repository.Root, "Supervisor." + (place.EndsWith(".cs", StringComparison.Ordinal) ? place : place + ".cs"));

    [GeneratedRegex(@"`(?<place>(Actors|Host|Kernel|Persistence\.Sqlite|Protos|Registry|Runtime|Shim|Storage)/[\w./]+)`")]
    private static partial Regex Place();

    [GeneratedRegex(@"`(?<from>[\w./]+/[\w.]+)`\s+\(`(?<word>\w+)`\)[^`→]*(`[\w./]+`[^`→]*)?→\s+(?=`(?<to>[\w./]+)`)")]
    private static partial Regex Step();
}
