using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Users;
using Supervisor.V1;

namespace Supervisor.Cli.Running;

/// <summary>The account files of a running container, opened when the first one is asked for.</summary>
internal sealed class ContainerFiles(DaemonClient client, string id, CancellationToken cancel) : IDisposable
{
    private RootfsFiles? _files;

    /// <summary>As <see cref="RootfsFiles.TryRead"/>.</summary>
    public string? TryRead(string path) => (_files ??= Open()).TryRead(path);

    public void Dispose() => _files?.Dispose();

    private RootfsFiles Open()
    {
        var init = client.Inspection.Inspect(new InspectRequest { Id = id }, client.Call(cancel));
        return init is { Pid: > 0, Status: not ("stopped" or "deleting") }
            ? RootfsFiles.OfContainer(id, (int)init.Pid, init.StartTime)
            : throw new CliException($"container {id} is not running ({init.Status}): start it first");
    }
}
