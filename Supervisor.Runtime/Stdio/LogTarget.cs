using Supervisor.Kernel;

namespace Supervisor.Runtime.Stdio;

/// <summary>
/// A log file: <c>file:///path</c>, <c>file:///path?max-size=10MiB&amp;max-files=3</c> for one that is rotated when full, and
/// <c>file:///path?format=cri</c> for one with the time and the stream of each line.
/// </summary>
/// <param name="Path">Absolute. The rotated files are <c>path.1</c> (the latest), <c>path.2</c> and so on.</param>
/// <param name="MaxSize">The most bytes of a file; null for one file that grows.</param>
/// <param name="MaxFiles">The most files, with the current one.</param>
public sealed record LogTarget(string Path, long? MaxSize, int MaxFiles)
{
    /// <summary>What is written of each line.</summary>
    public LogFormat Format { get; init; }

    /// <summary>The scheme of such a target.</summary>
    public const string Scheme = "file://";

    /// <summary>The word for <see cref="LogFormat.Cri"/>.</summary>
    public const string CriWord = "cri";

    /// <summary>The default where a size is given and no number.</summary>
    private const int UsualFiles = 3;

    /// <summary>The least that <see cref="MaxSize"/> may be: a pipe's page.</summary>
    public const long LeastSize = 4096;

    /// <summary>The most that <see cref="MaxFiles"/> may be.</summary>
    public const int MostFiles = 1000;

    /// <summary>Whether a target is a log file.</summary>
    public static bool Is(string target) => target?.StartsWith(Scheme, StringComparison.Ordinal) ?? false;

    /// <param name="field"><c>stdout</c> or <c>stderr</c>, for the error.</param>
    /// <exception cref="InvalidStdioException">The target or one of its limits is malformed.</exception>
    public static LogTarget Parse(string target, string field)
    {
        if (!Is(target)) throw new InvalidStdioException(field, $"\"{target}\" is not {Scheme} and an absolute path");
        var question = target.IndexOf('?', StringComparison.Ordinal);
        var path = Uri.UnescapeDataString(question < 0 ? target[Scheme.Length..] : target[Scheme.Length..question]);
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            throw new InvalidStdioException(field, $"\"{target}\" is not an absolute path");
        long? size = null;
        int? files = null;
        var format = LogFormat.Raw;
        foreach (var pair in question < 0 ? [] : target[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var (key, value) = equals < 0 ? (pair, "") : (pair[..equals], Uri.UnescapeDataString(pair[(equals + 1)..]));
            switch (key)
            {
                case "max-size":
                    size = ByteSize.TryParse(value) is >= LeastSize and var bytes
                        ? bytes
                        : throw new InvalidStdioException(
                            field, $"max-size: \"{value}\" is not a size of at least {LeastSize} bytes, such as 10MiB");
                    break;
                case "max-files":
                    files = int.TryParse(value, out var number) && number is >= 1 and <= MostFiles
                        ? number
                        : throw new InvalidStdioException(field, $"max-files: \"{value}\" is not a number from 1 to {MostFiles}");
                    break;
                case "format":
                    format = value == CriWord
                        ? LogFormat.Cri : throw new InvalidStdioException(field, $"format: \"{value}\" is not {CriWord}");
                    break;
                default:
                    throw new InvalidStdioException(
                        field, $"\"{key}\": not an option (max-size, max-files and format are; a ? in the path is %3F)");
            }
        }
        if (files is not null && size is null)
            throw new InvalidStdioException(field, "max-files needs max-size");
        return new LogTarget(path, size, files ?? UsualFiles) { Format = format };
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString()
    {
        var path = Scheme + string.Join('/', Path.Split('/').Select(Uri.EscapeDataString));
        List<string> options = [];
        if (MaxSize is { } size) options.Add($"max-size={size}&max-files={MaxFiles}");
        if (Format is LogFormat.Cri) options.Add($"format={CriWord}");
        return options.Count > 0 ? $"{path}?{string.Join('&', options)}" : path;
    }

    /// <summary>The rotated files that exist, the latest first.</summary>
    public static IEnumerable<string> RotatedFiles(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var directory = System.IO.Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory)) return [];
        return Directory.EnumerateFiles(directory).Where(f => f.StartsWith(path + ".", StringComparison.Ordinal))
            .Select(f => (File: f, Number: int.TryParse(f[(path.Length + 1)..], out var number) ? number : 0))
            .Where(f => f.Number > 0).OrderBy(f => f.Number).Select(f => f.File);
    }

    /// <summary>The rotated file of a number, 1 being the latest.</summary>
    public string RotatedFile(int number) => $"{Path}.{number}";
}
