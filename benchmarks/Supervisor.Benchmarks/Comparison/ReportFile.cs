namespace Supervisor.Benchmarks.Comparison;

/// <summary>A document with a part between two markers that is generated.</summary>
internal static class ReportFile
{
    private const string Begin = "<!-- bench -->", End = "<!-- /bench -->";

    /// <summary>Before anything is measured.</summary>
    /// <exception cref="InvalidOptionException">The file exists and has no such part.</exception>
    public static void Check(string path)
    {
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))))
            throw new InvalidOptionException($"{path}: its directory does not exist");
        if (File.Exists(path) && Bounds(File.ReadAllText(path)) is null)
            throw new InvalidOptionException($"{path}: has no \"{Begin}\" with a \"{End}\" after it, and is not replaced");
    }

    public static void Write(string path, string text)
    {
        var document = File.Exists(path) ? File.ReadAllText(path) : $"{Begin}{End}\n";
        var (begin, end) = Bounds(document) ?? throw new InvalidOperationException($"{path}: its markers are gone");
        File.WriteAllText(path, $"{document[..begin]}\n{text.TrimEnd()}\n{document[end..]}");
    }

    private static (int Begin, int End)? Bounds(string document)
    {
        var begin = document.IndexOf(Begin, StringComparison.Ordinal);
        if (begin < 0) return null;
        begin += Begin.Length;
        var end = document.IndexOf(End, begin, StringComparison.Ordinal);
        return end < 0 ? null : (begin, end);
    }
}
