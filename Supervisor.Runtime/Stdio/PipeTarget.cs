namespace Supervisor.Runtime.Stdio;

/// <summary>
/// <c>pipe:///path</c>: a FIFO that breaks with its reader, like a shell's pipe. It must already be open for reading. A write
/// after the reader is gone gets SIGPIPE or EPIPE; a terminal behind it is hung up. A plain path is a FIFO whose readers may
/// come and go.
/// </summary>
/// <param name="Path">Absolute.</param>
/// <param name="Log">Gets the same output, also after the reader has detached (<see cref="DetachedFifo"/>); only for a terminal,
/// which is relayed. Null for none.</param>
public sealed record PipeTarget(string Path, LogTarget? Log = null)
{
    private const string Scheme = "pipe://", LogKey = "log=";

    /// <summary>Whether a target is a pipe.</summary>
    public static bool Is(string target) => target?.StartsWith(Scheme, StringComparison.Ordinal) ?? false;

    /// <param name="field"><c>stdout</c> or <c>stderr</c>, for the error.</param>
    /// <exception cref="InvalidStdioException">Its path is not absolute, or it has an unknown option.</exception>
    public static PipeTarget Parse(string target, string field)
    {
        ArgumentNullException.ThrowIfNull(target);
        var (path, query) = target[Scheme.Length..].Split('?', 2) is [var before, var after]
            ? (before, after) : (target[Scheme.Length..], "");
        path = Uri.UnescapeDataString(path);
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            throw new InvalidStdioException(field, $"\"{target}\" is not {Scheme} and an absolute path");
        if (query.Length == 0) return new PipeTarget(path);
        if (!query.StartsWith(LogKey, StringComparison.Ordinal))
            throw new InvalidStdioException(field, $"\"{query}\": pipe:// has only the option log (a ? in the path is %3F)");
        return new PipeTarget(path, LogTarget.Parse(Uri.UnescapeDataString(query[LogKey.Length..]), field));
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString() =>
        Scheme + string.Join('/', Path.Split('/').Select(Uri.EscapeDataString))
            + (Log is null ? "" : $"?{LogKey}{Uri.EscapeDataString($"{Log}")}");
}
