using Supervisor.Benchmarks.Comparison.Sections;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>A part of the comparison, which a word selects.</summary>
/// <param name="Minutes">How long it may take in an ordinary run.</param>
/// <param name="Lacks">The peers without which it is left out, when they are missing; else null.</param>
internal sealed record Section(
    string Name, int Minutes, Func<Run, CancellationToken, Task<IReadOnlyList<Table>>> MeasureAsync, string? Lacks = null)
{
    private const string Parts = "parts";

    /// <summary>In their order: those that leave the machine busiest are last.</summary>
    public static IReadOnlyList<Section> All { get; } =
    [
        new("launch", 3, LaunchSection.MeasureAsync),
        new("oci", 3, OciSection.MeasureAsync),
        new("life", 3, LifeSection.MeasureAsync),
        new("lives", 4, LivesSection.MeasureAsync),
        new("exec", 3, ExecSection.MeasureAsync),
        new("kill", 3, KillSection.MeasureAsync),
        new("metadata", 2, MetadataSection.MeasureAsync),
        new("docker", 3, DockerSection.MeasureAsync, DockerSection.IsPossible ? null : "dockerd and docker"),
        new("podman", 3, PodmanSection.MeasureAsync, PodmanSection.IsPossible ? null : "podman and crun"),
        new("shim", 3, ShimSection.MeasureAsync, Peers.HasContainerd ? null : "containerd and runc"),
        new("start", 4, StartSection.MeasureAsync),
        new("growth", 6, GrowthSection.MeasureAsync),
        OfParts([]),
    ];

    /// <param name="words">Each is the name of a section, or a part of a name; a word that no section has selects among the
    /// parts. None: all sections.</param>
    /// <exception cref="InvalidOptionException">A word selects nothing.</exception>
    public static IReadOnlyList<Section> Selected(IReadOnlyList<string> words)
    {
        if (words.Count == 0) return All;
        var (sections, parts) = (new List<Section>(), new List<string>());
        foreach (var word in words)
        {
            var named = All.Where(s => s.Name == word).ToList();
            if (named.Count == 0) named = [.. All.Where(s => s.Name.Contains(word, StringComparison.Ordinal))];
            sections.AddRange(named);
            if (named.Count > 0) continue;
            if (!PartsSection.All("").Any(b => b.Name.Contains(word, StringComparison.Ordinal)))
            {
                throw new InvalidOptionException($"\"{word}\": no section and no part has this name; the sections are "
                    + string.Join(", ", All.Select(s => s.Name)));
            }
            parts.Add(word);
        }
        if (parts.Count > 0 && sections.All(s => s.Name != Parts)) sections.Add(OfParts(parts));
        return [.. sections.Distinct()];
    }

    private static Section OfParts(IReadOnlyList<string> words) =>
        new(Parts, 5, (run, stop) => PartsSection.MeasureAsync(run, words, stop));
}
