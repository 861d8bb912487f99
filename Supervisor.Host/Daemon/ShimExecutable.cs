namespace Supervisor.Host.Daemon;

/// <summary>Finds supervisor-shim.</summary>
internal static class ShimExecutable
{
    private static readonly string[] Places = ["supervisor-shim", "../shim/supervisor-shim"];

    /// <summary>Beside this program, or where <c>./supervisor build</c> puts it.</summary>
    /// <returns>Null if it is in neither place.</returns>
    public static string? Find() => Places
        .Select(p => Path.GetFullPath(p, AppContext.BaseDirectory)).FirstOrDefault(File.Exists);
}
