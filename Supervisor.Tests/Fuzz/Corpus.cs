namespace Supervisor.Tests.Fuzz;

/// <summary>The corpus: files of the repository that inputs are made from.</summary>
internal static class Corpus
{
    private static string Fixtures => Path.Combine(AppContext.BaseDirectory, "fixtures");

    /// <summary>The files of a directory below fixtures, by their names.</summary>
    public static IReadOnlyList<byte[]> Of(string directory, string pattern = "*") =>
        [.. Directory.EnumerateFiles(Path.Combine(Fixtures, directory), pattern).Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes)];

    /// <summary>Earlier findings, as PARSER@WHAT: regression inputs, which must be parsed or refused.</summary>
    public static IEnumerable<(string Target, string File, byte[] Bytes)> Found() =>
        from file in Directory.EnumerateFiles(Path.Combine(Fixtures, "fuzz", "found")).Order(StringComparer.Ordinal)
        let name = Path.GetFileName(file)
        select (name[..name.IndexOf('@', StringComparison.Ordinal)], name, File.ReadAllBytes(file));
}
