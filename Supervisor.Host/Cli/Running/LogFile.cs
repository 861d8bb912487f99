using Containerd.Services.Containers.V1;

namespace Supervisor.Host.Cli.Running;

/// <summary>The file that holds the output of a detached container.</summary>
internal static class LogFile
{
    /// <summary>Label of the container that names its log. The prefix is ours.</summary>
    public const string Label = "supervisor.io/log";

    /// <summary>Where the daemon is told to write.</summary>
    public static string PathFor(string root, string @namespace, string id) => Path.Combine(root, "logs", @namespace, id + ".log");

    /// <summary>Removes it with its former files.</summary>
    public static void Delete(string path)
    {
        if (!Directory.Exists(Path.GetDirectoryName(path))) return; // nothing was logged in this namespace yet
        File.Delete(path);
        foreach (var former in LogFiles.Former(path)) File.Delete(former);
    }

    /// <summary>The log that we gave to a container ourselves, to be removed with it; null for any other path, whoever wrote the label.</summary>
    public static async Task<string?> OfContainerAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        var container = (await client.Containers.GetAsync(new GetContainerRequest { Id = id }, client.Call(cancel))).Container;
        if (!container.Labels.TryGetValue(Label, out var path)) return null;
        var (root, _) = await client.DirectoriesAsync(cancel);
        return path == PathFor(root, client.Namespace, id) ? path : null;
    }
}
