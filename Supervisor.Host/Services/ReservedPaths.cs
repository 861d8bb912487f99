using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Daemon;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Services;

/// <summary>
/// The daemon's own files, to which no container's output may be written: all below its root directory but the logs, all below
/// its state directory but clients' FIFOs, and the lock of its address. Symbolic links are resolved first.
/// </summary>
public sealed class ReservedPaths(DaemonOptions options)
{
    private readonly (string Directory, string? Free)[] _directories =
        [(Resolved(options.Root), Resolved(ContainerLog.DirectoryIn(options.Root))), (Resolved(options.State), null)];

    private readonly string _fifos = Resolved(Path.Join(options.State, "fifo"));
    private readonly string[] _files = [Resolved(options.Address), Resolved(options.Address + ".lock")];

    /// <summary>Returns its argument if it is allowed.</summary>
    /// <exception cref="InvalidFieldException">A stream names a file of the daemon.</exception>
    public StdioPaths Check(StdioPaths stdio)
    {
        ArgumentNullException.ThrowIfNull(stdio);
        foreach (var (field, target) in (
            ReadOnlySpan<(string, string)>)[("stdin", stdio.Stdin), ("stdout", stdio.Stdout), ("stderr", stdio.Stderr)])
        {
            foreach (var (path, isLog) in Parsed(target, field))
            {
                var resolved = Resolved(path, field);
                if (IsReserved(resolved, isLog))
                    throw new InvalidFieldException(
                        field, $"\"{path}\" is among the daemon's own files: name a file elsewhere, or below "
                        + $"{ContainerLog.DirectoryIn(options.Root)}");
            }
        }
        return stdio;
    }

    private static IEnumerable<(string Path, bool IsLog)> Parsed(string target, string field)
    {
        try
        {
            return PathsOf(target, field);
        }
        catch (InvalidStdioException e)
        {
            throw new InvalidFieldException(e.Field, e.Message[(e.Field.Length + ": ".Length)..]);
        }
    }

    private static IEnumerable<(string Path, bool IsLog)> PathsOf(string target, string field)
    {
        if (LogTarget.Is(target)) return [(LogTarget.Parse(target, field).Path, true)];
        if (!PipeTarget.Is(target)) return target.StartsWith('/') ? [(target, false)] : [];
        var pipe = PipeTarget.Parse(target, field);
        return pipe.Log is null ? [(pipe.Path, false)] : [(pipe.Path, false), (pipe.Log.Path, true)];
    }

    private bool IsReserved(string path, bool isLog) =>
        _files.Contains(path, StringComparer.Ordinal)
            || ((isLog || !IsBelow(path, _fifos))
            && Array.Exists(_directories, d => IsBelow(path, d.Directory) && (d.Free is null || !IsBelow(path, d.Free))));

    private static bool IsBelow(string path, string directory) =>
        path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    private static string Resolved(string path) => LogBinaries.Resolve(path);

    private static string Resolved(string path, string field)
    {
        try
        {
            return LogBinaries.Resolve(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidFieldException(field, $"\"{path}\": {e.Message}");
        }
    }
}
