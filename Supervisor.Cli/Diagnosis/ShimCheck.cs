using System.Globalization;
using Supervisor.Cli.Output;
using Supervisor.Kernel.Files;

namespace Supervisor.Cli.Diagnosis;

/// <summary>The shims that run: whether they are the program that is installed.</summary>
internal static class ShimCheck
{
    private const string Name = "supervisor-shim", Deleted = " (deleted)";
    private static readonly string[] Places = [Name, $"../shim/{Name}"];

    public static IEnumerable<Finding> Examine(string state)
    {
        var shims = PidsOf(state).ToList();
        if (shims.Count == 0)
        {
            yield return Finding.Ok("shims", $"none runs for {state}");
            yield break;
        }
        var installed = Places.Select(p => Path.GetFullPath(p, AppContext.BaseDirectory)).FirstOrDefault(File.Exists);
        var ours = installed is null ? null : TryIdentify(installed);
        foreach (var pid in shims)
        {
            var program = $"/proc/{pid}/exe";
            string? path;
            try
            {
                path = new FileInfo(program).LinkTarget;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                path = null;
            }
            yield return (path, TryIdentify(program)) switch
            {
                (null, _) or (_, null) => Finding.Unknown("shims", $"pid {pid}: its program cannot be read", "run this as root"),
                var (_, its) when its == ours => Finding.Ok("shims", $"pid {pid}: {ClientVersion.Version}, as installed"),
                var (replaced, _) when replaced!.EndsWith(Deleted, StringComparison.Ordinal) => Finding.Fault("shims",
                    $"pid {pid} runs {replaced[..^Deleted.Length]} of an earlier installation",
                    "start the daemon again: it replaces the shim, and containers go on"),
                var (other, _) => Finding.Ok("shims", $"pid {pid} runs {other}, not the one beside this program"),
            };
        }
    }

    private static IEnumerable<int> PidsOf(string state)
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid)) continue;
            var line = "";
            try
            {
                line = File.ReadAllText($"{directory}/cmdline");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has exited.
            }
            if (line.Contains($"\0serve\0--dir\0{state}/shim", StringComparison.Ordinal)) yield return pid;
        }
    }

    /// <summary>Null if it cannot be opened.</summary>
    private static string? TryIdentify(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return FileIdentity.Of(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
