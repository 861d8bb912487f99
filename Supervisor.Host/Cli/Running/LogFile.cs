using Containerd.Services.Containers.V1;
using Supervisor.Host.Daemon;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Cli.Running;

/// <summary>Finds the file that holds a container's output.</summary>
internal static class LogFile
{
    /// <summary>Where a container's output is kept.</summary>
    /// <exception cref="CliException">Nowhere.</exception>
    public static async Task<string> FindAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        var container = (await client.Containers.GetAsync(new GetContainerRequest { Id = id }, client.Call(cancel))).Container;
        if (container.Labels.TryGetValue(ContainerLog.Label, out var labelled)) return labelled;
        if (await Removal.FindTaskAsync(client, id, cancel) is { Stdout: var stdout } && LogTarget.Is(stdout))
            return LogTarget.Parse(stdout, "stdout").Path;
        throw new CliException($"container {id} has no log: its output goes to whoever started it");
    }
}
