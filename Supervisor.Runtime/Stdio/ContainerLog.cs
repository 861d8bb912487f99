namespace Supervisor.Runtime.Stdio;

/// <summary>
/// The file with the output of a container of <c>supervisor run</c>. It belongs to the container, and is removed with its
/// record, whichever client deletes that.
/// </summary>
public static class ContainerLog
{
    /// <summary>The label that names a container's log. The prefix is ours.</summary>
    public const string Label = "supervisor.io/log";

    /// <summary>The label with the format of a container's log; without it that is <see cref="LogFormat.Raw"/>.</summary>
    public const string FormatLabel = "supervisor.io/log-format";

    /// <summary>The format that a container's labels name.</summary>
    public static LogFormat FormatOf(IEnumerable<KeyValuePair<string, string>> labels) =>
        labels.Contains(new(FormatLabel, LogTarget.CriWord)) ? LogFormat.Cri : LogFormat.Raw;

    /// <summary>The directory of logs, below a daemon's root directory.</summary>
    public static string DirectoryIn(string root) => Path.Join(root, "logs");

    /// <summary>A container's log.</summary>
    public static string PathFor(string root, string @namespace, string id) =>
        Path.Join(DirectoryIn(root), @namespace, id + ".log");

    /// <summary>
    /// Removes it with its rotated files, if it has the path that we gave the container: never another path, whatever the label
    /// says.
    /// </summary>
    public static void DeleteOf(IReadOnlyDictionary<string, string> labels, string root, string @namespace, string id)
    {
        var path = PathFor(root, @namespace, id);
        if (labels.GetValueOrDefault(Label) != path || !Directory.Exists(Path.GetDirectoryName(path))) return;
        File.Delete(path);
        foreach (var former in LogTarget.RotatedFiles(path)) File.Delete(former);
    }
}
