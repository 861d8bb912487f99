using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Copying;

/// <summary>An argument of <c>cp</c>: <c>CONTAINER:PATH</c>, a path of ours, or <c>-</c> for a tar.</summary>
/// <param name="Container">Null for ours.</param>
internal readonly record struct CopyPath(string? Container, string Path)
{
    /// <summary>Our standard input or output.</summary>
    public bool IsStream => Container is null && Path is "-";

    /// <summary>As docker: a path of ours with a colon is written with a slash or a dot in front.</summary>
    public static CopyPath Parse(string word)
    {
        var colon = word.IndexOf(':', StringComparison.Ordinal);
        if (word.StartsWith('/') || word.StartsWith('.') || colon <= 0) return new CopyPath(null, word);
        return word.Length > colon + 1 ? new CopyPath(word[..colon], word[(colon + 1)..])
            : throw new CliException($"\"{word}\": no path after the colon: CONTAINER:/ is the container's root");
    }

    /// <summary>From the root of our file system, with the end that it was written with: it decides what is copied.</summary>
    public string Absolute => Path.Length == 0 ? throw new CliException("a path is empty")
        : Path.StartsWith('/') ? Path : $"{Environment.CurrentDirectory}/{Path}";
}
