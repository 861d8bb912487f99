using Supervisor.Actors;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;

namespace Supervisor.Host.Services;

/// <summary>
/// Which programs may be started to receive a container's output: <c>supervisor.log-binaries</c> of the configuration.
/// </summary>
/// <param name="directories">Empty: any program.</param>
public sealed class LogBinaries(IEnumerable<string> directories)
{
    private const string Scheme = "binary://";
    private const int LongestStream = 4096; // PATH_MAX
    private readonly string[] _directories = [.. directories.Select(Path.GetFullPath)];

    /// <summary>As the daemon is configured.</summary>
    public static LogBinaries Of(SupervisorSystem system) =>
        new(system.System.Settings.Config.GetStringList("supervisor.log-binaries"));

    /// <summary>Returns its argument if it is allowed.</summary>
    /// <exception cref="InvalidFieldException">It names a log binary that is not an absolute path, or is in none of the
    /// directories.</exception>
    public StdioPaths Check(StdioPaths stdio)
    {
        foreach (var (field, text) in (
            ReadOnlySpan<(string, string)>)[("stdin", stdio.Stdin), ("stdout", stdio.Stdout), ("stderr", stdio.Stderr)])
            if (text.Length > LongestStream)
                throw new InvalidFieldException(field, $"is {text.Length} characters long, at most {LongestStream} are allowed");
        if (!stdio.Stdout.StartsWith(Scheme, StringComparison.Ordinal)) return stdio;
        var named = stdio.Stdout[Scheme.Length..].Split('?', 2)[0];
        if (!named.StartsWith('/'))
            throw new InvalidFieldException("stdout", $"\"{stdio.Stdout}\": a log binary needs an absolute path");
        if (_directories.Length == 0) return stdio;
        var path = Resolve(Uri.UnescapeDataString(named));
        return _directories.Any(d => path.StartsWith(d == "/" ? d : d + "/", StringComparison.Ordinal))
            ? stdio
            : throw new InvalidFieldException(
                "stdout", $"log binary \"{path}\" is in none of the directories that supervisor.log-binaries allows");
    }

    /// <summary>A path without symbolic links; what is missing at its end stays as it is.</summary>
    internal static string Resolve(string path)
    {
        var resolved = "/";
        foreach (var component in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Join(resolved, component);
            resolved = new FileInfo(next) is { LinkTarget: not null } link
                && link.ResolveLinkTarget(returnFinalTarget: true) is { } target
                ? Resolve(target.FullName)
                : next;
        }
        return resolved;
    }
}
