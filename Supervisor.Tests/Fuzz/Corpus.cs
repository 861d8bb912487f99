namespace Supervisor.Tests.Fuzz;

/// <summary>The inputs that others are made from: files of the repository.</summary>
internal static class Corpus
{
    private static string Fixtures => Path.Combine(AppContext.BaseDirectory, "fixtures");

    /// <summary>The files of a directory below fixtures, by their names.</summary>
    public static IReadOnlyList<byte[]> Of(string directory, string pattern = "*") =>
        [.. Directory.EnumerateFiles(Path.Combine(Fixtures, directory), pattern).Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes)];

    /// <summary>What a run once found, as PARSER@WHAT: inputs that have to be read or refused for ever.</summary>
    public static IEnumerable<(string Target, string File, byte[] Bytes)> Found() =>
        from file in Directory.EnumerateFiles(Path.Combine(Fixtures, "fuzz", "found")).Order(StringComparer.Ordinal)
        let name = Path.GetFileName(file)
        select (name[..name.IndexOf('@', StringComparison.Ordinal)], name, File.ReadAllBytes(file));
}
