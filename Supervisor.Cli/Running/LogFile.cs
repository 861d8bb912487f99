using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Running;

/// <summary>Finds the file that holds a container's output.</summary>
internal static class LogFile
{
    /// <summary>The file with a container's output, and its format.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public static async Task<(string Path, LogFormat Format)> FindAsync(
        DaemonClient client, string id, CancellationToken cancel)
    {
        var container = await client.ContainerAsync(id, cancel);
        if (container.Labels.TryGetValue(ContainerLog.Label, out var labelled))
            return (labelled, ContainerLog.FormatOf(container.Labels));
        if (await Removal.FindTaskAsync(client, id, cancel) is { Stdout: var stdout } && LogTarget.Is(stdout))
            return LogTarget.Parse(stdout, "stdout") is var target ? (target.Path, target.Format) : default;
        throw new CliException($"container {id} has no log: its output goes to the client that started it");
    }
}
