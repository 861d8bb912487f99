using Akka.Actor;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Host.Daemon;
using Supervisor.Host.Services.Storage;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Services;

/// <summary>Deletes a container's record, and what belongs to it alone: its log and its checkpoints.</summary>
public sealed class ContainerDeletion(
    StorageCalls storage, DaemonOptions options, ILogger<ContainerDeletion> log, TimeProvider clock)
{
    /// <returns>Why it was refused; null if it is deleted.</returns>
    public async Task<Refusal?> DeleteAsync(ContainerView container, TimeSpan within, CancellationToken cancel)
    {
        var command = new ContainerCommand.Delete(container.Record.Id, clock.GetUtcNow());
        var reply = await container.Container.Ask<ContainerReply>(command, within, cancel);
        if (reply.Refusal is { } refusal) return refusal;
        storage.CollectSoon(); // its snapshot and image may be unreferenced now
        DeleteFiles(container.Record);
        return null;
    }

    /// <summary>The container is deleted even if its files cannot be.</summary>
    private void DeleteFiles(ContainerRecord record)
    {
        try
        {
            ContainerLog.DeleteOf(record.Labels, options.Root, record.Id.Namespace, record.Id.Value);
            ContainerCheckpoints.Of(options.Root, record.Id.Namespace, record.Id.Value).RemoveAll();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.LogFileNotRemoved(log, $"{record.Id}", e.Message);
        }
    }
}
