using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Daemon;

/// <summary>
/// The file that holds the output of a container of <c>supervisor run</c>. It belongs to the container, and goes with its record,
/// whoever deletes that.
/// </summary>
internal static class ContainerLog
{
    /// <summary>Label of the container that names its log. The prefix is ours.</summary>
    public const string Label = "supervisor.io/log";

    /// <summary>Where logs are, below a daemon's root directory.</summary>
    public static string DirectoryIn(string root) => Path.Join(root, "logs");

    /// <summary>Where a container's is.</summary>
    public static string PathFor(string root, string @namespace, string id) =>
        Path.Join(DirectoryIn(root), @namespace, id + ".log");

    /// <summary>
    /// Removes it with its former files, if it is the one that we gave the container: not any other path, whoever wrote the
    /// label.
    /// </summary>
    public static void DeleteOf(IReadOnlyDictionary<string, string> labels, string root, string @namespace, string id)
    {
        var path = PathFor(root, @namespace, id);
        if (labels.GetValueOrDefault(Label) != path || !Directory.Exists(Path.GetDirectoryName(path))) return;
        File.Delete(path);
        foreach (var former in LogTarget.FormerOf(path)) File.Delete(former);
    }
}
