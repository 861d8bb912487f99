namespace Supervisor.Tests.Architecture;

/// <summary>The repository's own C# files.</summary>
internal static class SourceFiles
{
    /// <summary>Of the products, the tests and the benchmarks.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. new DirectoryInfo(Repository.Root).EnumerateDirectories()
            .Where(d => d.Name == "benchmarks" || d.Name.StartsWith("Supervisor.", StringComparison.Ordinal))
            .SelectMany(d => d.EnumerateFiles("*.cs", SearchOption.AllDirectories)).Select(f => f.FullName)
                .Where(f => !IsBuilt(f)),
    ];

    /// <summary>Of the products alone.</summary>
    public static IReadOnlyList<string> Products { get; } =
        [.. All.Where(f => !f.Contains("/Supervisor.Tests/", StringComparison.Ordinal)
            && !f.Contains("/benchmarks/", StringComparison.Ordinal))];

    /// <summary>Shell scripts, of all kinds.</summary>
    public static IReadOnlyList<string> Scripts { get; } =
    [
        .. ((string[])["", "build", "benchmarks", "Supervisor.Tests/Vm", "Supervisor.Tests/Clients/scripts"])
            .SelectMany(d => Directory.EnumerateFiles(Path.Join(Repository.Root, d)))
            .Where(f => File.ReadLines(f).FirstOrDefault()?.StartsWith("#!", StringComparison.Ordinal) is true
                || f.EndsWith(".sh", StringComparison.Ordinal)),
    ];

    private static bool IsBuilt(string file) =>
        file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal);
}
