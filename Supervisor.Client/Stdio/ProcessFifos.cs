using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Supervisor.Client.Errors;

namespace Supervisor.Client.Stdio;

/// <summary>The paths of a process's FIFOs: empty where it has none.</summary>
internal sealed record FifoPaths(string Stdin, string Stdout, string Stderr, bool HasTerminal)
{
    public static readonly FifoPaths None = new("", "", "", false);
}

/// <summary>
/// The FIFOs of a process that is being started: in a directory of their own (mode 0700), named after its id, and kept open until
/// the daemon has opened its ends.
/// </summary>
internal sealed class ProcessFifos : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly List<SafeFileHandle> _kept = [];

    private ProcessFifos(FifoPaths paths) => Paths = paths;

    public FifoPaths Paths { get; }

    /// <param name="root">The directory of all FIFOs; created if missing.</param>
    /// <param name="id">Of the task or exec.</param>
    public static ProcessFifos Create(string root, string id, bool hasStdin, bool hasTerminal)
    {
        root = Path.GetFullPath(root);
        try
        {
            return CreateBelow(root, id, hasStdin, hasTerminal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClientException(e is IOException ? ErrorCode.Unknown : ErrorCode.PermissionDenied,
                $"cannot make the FIFOs of {id} in {root} (StdioDirectory): {e.Message}", e);
        }
    }

    private static ProcessFifos CreateBelow(string root, string id, bool hasStdin, bool hasTerminal)
    {
        Directory.CreateDirectory(root, Private);
        if ((File.GetUnixFileMode(root) & ~Private) != 0)
            throw new ClientException(ErrorCode.FailedPrecondition,
                $"the directory of FIFOs {root} is accessible to others: chmod 0700, or use another (StdioDirectory)");
        var directory = Path.Join(root, RandomNumberGenerator.GetHexString(16, lowercase: true));
        Directory.CreateDirectory(directory, Private);
        var fifos = new ProcessFifos(new FifoPaths(
            hasStdin ? Path.Join(directory, $"{id}-stdin") : "", Path.Join(directory, $"{id}-stdout"),
            hasTerminal ? "" : Path.Join(directory, $"{id}-stderr"), hasTerminal));
        try
        {
            foreach (var path in All(fifos.Paths))
            {
                Fifo.Create(path);
                fifos._kept.Add(Fifo.Keep(path));
            }
            return fifos;
        }
        catch
        {
            fifos.Dispose();
            Remove(fifos.Paths, root);
            throw;
        }
    }

    /// <summary>Our ends.</summary>
    /// <param name="paths">Of a process that starts or runs.</param>
    /// <param name="inputClosed">Called when the input has been closed.</param>
    public static ProcessStdio Open(FifoPaths paths, Func<Task> inputClosed)
    {
        Stream? input = null, output = null;
        try
        {
            output = IsPath(paths.Stdout, "stdout") ? Fifo.OpenForReading(paths.Stdout) : null;
            input = IsPath(paths.Stdin, "stdin") ? Fifo.TryOpenForWriting(paths.Stdin) : null;
            var error = !paths.HasTerminal && IsPath(paths.Stderr, "stderr") ? Fifo.OpenForReading(paths.Stderr) : null;
            var closing = input is null ? null : new ProcessInput(input, inputClosed);
            return new ProcessStdio(closing, output, error, paths.HasTerminal);
        }
        catch
        {
            input?.Dispose();
            output?.Dispose();
            throw;
        }
    }

    /// <summary>Removes the FIFOs of a deleted process, and their directory, if they are below our directory.</summary>
    public static void Remove(FifoPaths paths, string root)
    {
        root = Path.GetFullPath(root);
        foreach (var path in All(paths).Select(Path.GetFullPath))
        {
            var directory = Path.GetDirectoryName(path)!;
            if (Path.GetDirectoryName(directory) != root) continue; // another client's
            if (!Directory.Exists(directory)) continue;
            File.Delete(path);
            if (!Directory.EnumerateFileSystemEntries(directory).Any()) Directory.Delete(directory);
        }
    }

    /// <summary>The daemon has opened its ends: when they are closed, ours end.</summary>
    public void Dispose()
    {
        foreach (var kept in _kept) kept.Dispose();
        _kept.Clear();
    }

    private static IEnumerable<string> All(FifoPaths paths) =>
        ((string[])[paths.Stdin, paths.Stdout, paths.Stderr]).Where(p => p.Length > 0);

    private static bool IsPath(string path, string stream) => path.Length > 0 && (Path.IsPathRooted(path) ? true
        : throw new ClientException(ErrorCode.FailedPrecondition, $"{stream} is {path}, and not a FIFO: it cannot be attached"));
}
