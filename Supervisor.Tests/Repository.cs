namespace Supervisor.Tests;

/// <summary>The source tree that this assembly was built from.</summary>
internal static class Repository
{
    /// <summary>The directory that holds Supervisor.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>The products of ./supervisor build.</summary>
    public static string Bin { get; } = Environment.GetEnvironmentVariable("SUPERVISOR_BIN") ?? Path.Join(Root, "out", "bin");

    private static string Find()
    {
        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
            if (File.Exists(Path.Join(directory, "Supervisor.sln"))) return directory;
        throw new InvalidOperationException("the tests run outside of the repository");
    }
}
