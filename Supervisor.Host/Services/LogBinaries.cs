using Supervisor.Actors;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;

namespace Supervisor.Host.Services;

/// <summary>Which programs may be started to take a container's output: <c>supervisor.log-binaries</c> of the configuration.</summary>
public sealed class LogBinaries(SupervisorSystem system)
{
    private const string Scheme = "binary://";
    private readonly string[] _directories = [.. (system.System.Settings.Config.GetStringList("supervisor.log-binaries") ?? []).Select(Path.GetFullPath)];

    /// <summary>Returns what it is given.</summary>
    /// <exception cref="InvalidFieldException">It names a log binary that is no absolute path, or lies in none of the directories.</exception>
    public StdioPaths Check(StdioPaths stdio)
    {
        if (!stdio.Stdout.StartsWith(Scheme, StringComparison.Ordinal)) return stdio;
        var named = stdio.Stdout[Scheme.Length..].Split('?', 2)[0];
        if (!named.StartsWith('/')) throw new InvalidFieldException("stdout", $"\"{stdio.Stdout}\": a log binary needs an absolute path");
        if (_directories.Length == 0) return stdio;
        var path = Resolve(Uri.UnescapeDataString(named));
        return _directories.Any(d => path.StartsWith(d == "/" ? d : d + "/", StringComparison.Ordinal))
            ? stdio
            : throw new InvalidFieldException("stdout", $"log binary \"{path}\" lies in none of the directories that supervisor.log-binaries allows");
    }

    private static string Resolve(string path)
    {
        var resolved = "/";
        foreach (var component in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Join(resolved, component);
            resolved = new FileInfo(next).ResolveLinkTarget(returnFinalTarget: true) is { } target ? Resolve(target.FullName) : next;
        }
        return resolved;
    }
}
