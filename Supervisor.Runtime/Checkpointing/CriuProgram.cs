namespace Supervisor.Runtime.Checkpointing;

/// <summary>Finds criu(8).</summary>
public static class CriuProgram
{
    /// <summary>Searched at each use: it may be installed while the daemon runs.</summary>
    /// <param name="wanted">A path, or a name that is searched in PATH.</param>
    /// <returns>An absolute path: a shim has a PATH of its own.</returns>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string Find(string wanted)
    {
        IEnumerable<string> places = wanted.Contains('/', StringComparison.Ordinal) ? [Path.GetFullPath(wanted)]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
                .Select(d => Path.Join(d, wanted));
        return places.FirstOrDefault(File.Exists) ?? throw new FileNotFoundException(
            $"checkpoint and restore need criu(8), and \"{wanted}\" was not found: install the package criu, or set "
                + "supervisor.criu to its path");
    }
}
