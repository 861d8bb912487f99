namespace Supervisor.Tests;

/// <summary>Committed files that the tests generate: reviewed as diffs, changed only by <c>./test --accept</c>.</summary>
internal static class Golden
{
    /// <param name="path">From the repository's root.</param>
    public static void Verify(string path, string generated)
    {
        var file = Path.Join(Repository.Root, path);
        if (Environment.GetEnvironmentVariable("SUPERVISOR_ACCEPT") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, generated);
        }
        Assert.True(File.Exists(file), $"{path} is missing: run ./test --accept and review it");
        Assert.Equal(File.ReadAllText(file), generated);
    }
}
