namespace Supervisor.Kernel.Stdio;

/// <summary>
/// <c>pipe:///path</c>: a FIFO that breaks with its reader, as a pipe of a shell does. It must be open for reading before, and what is written after the reader
/// has gone gets SIGPIPE or EPIPE; a terminal behind it is hung up. A plain path is a FIFO whose readers may come and go.
/// </summary>
public static class PipeTarget
{
    private const string Scheme = "pipe://";

    /// <summary>Whether a target is one.</summary>
    public static bool Is(string target) => target?.StartsWith(Scheme, StringComparison.Ordinal) ?? false;

    /// <summary>The target of a path.</summary>
    public static string Of(string path) => Scheme + string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    /// <param name="field"><c>stdout</c> or <c>stderr</c>, for the error.</param>
    /// <exception cref="InvalidStdioException">It holds no absolute path.</exception>
    public static string PathOf(string target, string field) =>
        Uri.UnescapeDataString(target[Scheme.Length..]) is ['/', ..] path && !path.Contains('\0', StringComparison.Ordinal)
            ? path
            : throw new InvalidStdioException(field, $"\"{target}\" is not {Scheme} and an absolute path");
}
