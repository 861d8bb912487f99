namespace Supervisor.Benchmarks.Comparison.Sections;

/// <summary>What the product is made of: actors, journal, gRPC.</summary>
internal static class PartsSection
{
    public static IEnumerable<Benchmark> All(string directory) =>
        [.. ActorBenchmarks.All, .. JournalBenchmarks.All(directory), .. GrpcBenchmarks.All];

    /// <param name="words">Select benchmarks by a part of their names; none: all of them.</param>
    public static async Task<IReadOnlyList<Table>> MeasureAsync(Run run, IReadOnlyList<string> words, CancellationToken stop)
    {
        var (warmUps, rounds) = run.IsQuick ? (0, 1) : (2, 5);
        var table = new Table("Parts",
            $"The median of rounds with an actor system, journal or server of their own: {warmUps} warm up, {rounds} count.",
            ["supervisor"]);
        foreach (var each in All(run.Root))
        {
            if (words.Count > 0 && !words.Any(w => each.Name.Contains(w, StringComparison.Ordinal))) continue;
            stop.ThrowIfCancellationRequested();
            table.Add($"`{each.Name}`, {each.Unit}", await each.Median(warmUps, rounds));
        }
        return [table];
    }
}
