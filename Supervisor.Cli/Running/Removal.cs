using Containerd.Services.Containers.V1;
using Containerd.Services.Snapshots.V1;
using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Status = Containerd.V1.Types.Status;

namespace Supervisor.Cli.Running;

/// <summary>Removes a container and its task.</summary>
internal static class Removal
{
    private const int SIGKILL = 9;
    private static readonly TimeSpan KillWithin = TimeSpan.FromSeconds(30);

    /// <param name="force">Kill a running task; otherwise that is refused.</param>
    public static async Task RemoveAsync(DaemonClient client, string id, bool force, CancellationToken cancel)
    {
        if (await FindTaskAsync(client, id, cancel) is { } task)
        {
            if (task.Status is Status.Running or Status.Paused or Status.Pausing)
            {
                if (!force) throw new CliException(
                    $"container {id} is {task.Status.ToString().ToLowerInvariant()}: kill it first, or use --force");
                await KillAsync(client, id, cancel);
            }
            await DeleteTaskAsync(client, id, cancel);
        }
        var container = await client.ContainerAsync(id, cancel);
        await client.RepeatAsync(StatusCode.NotFound, () => client.Containers.DeleteAsync(
            new DeleteContainerRequest { Id = id }, client.Call(cancel)).ResponseAsync);
        if (container.SnapshotKey.Length > 0) await RemoveSnapshotAsync(client, container, cancel);
    }

    /// <summary>Null when the container has none.</summary>
    public static async Task<Process?> FindTaskAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            return (await client.StayAsync(() => client.Tasks.GetAsync(
                new GetRequest { ContainerId = id }, client.Call(cancel)).ResponseAsync)).Process;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Deletes a task that has exited.</summary>
    public static Task DeleteTaskAsync(DaemonClient client, string id, CancellationToken cancel) =>
        client.RepeatAsync(StatusCode.NotFound, () => client.Tasks.DeleteAsync(
            new DeleteTaskRequest { ContainerId = id }, client.Call(cancel)).ResponseAsync);

    /// <summary>Its writable snapshot is removed with it, as with docker and ctr.</summary>
    private static async Task RemoveSnapshotAsync(DaemonClient client, Container container, CancellationToken cancel)
    {
        try
        {
            await client.StayAsync(() => client.Snapshots.RemoveAsync(
                new RemoveSnapshotRequest { Snapshotter = container.Snapshotter, Key = container.SnapshotKey },
                client.Call(cancel)).ResponseAsync);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            // The collector, or its owner, has removed it.
        }
    }

    /// <summary>Kills all its processes, and waits for the exit.</summary>
    public static async Task KillAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            await client.StayAsync(() => client.Tasks.KillAsync(
                new KillRequest { ContainerId = id, Signal = SIGKILL, All = true }, client.Call(cancel)).ResponseAsync);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            // It has exited in the meantime.
        }
        await client.StayAsync(() => client.Tasks.WaitAsync(
            new WaitRequest { ContainerId = id }, client.Call(KillWithin, cancel)).ResponseAsync);
    }
}
