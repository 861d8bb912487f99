using System.Collections.Immutable;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Images;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Services.Storage;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Oci;
using Supervisor.Storage;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Trees;

namespace Supervisor.Host.Services.Files;

/// <summary>The open root of a container.</summary>
/// <param name="Ids">The ids of its user namespace.</param>
/// <param name="IsRunning">Its mounts are there, too.</param>
internal sealed record ContainerRoot(Fd Directory, TreeIds Ids, bool IsRunning) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Directory.Dispose();
}

/// <summary>Opens the roots of containers. These calls block.</summary>
public sealed class ContainerRoots(StorageCalls storage)
{
    /// <summary>As the container's processes see it, if it has any; else its root file system alone.</summary>
    /// <exception cref="RpcException">FAILED_PRECONDITION: it cannot be opened, or not for writing.</exception>
    internal ContainerRoot Open(ContainerView container, bool forWriting)
    {
        if (OfProcess(container) is { } running) return running;
        var files = FileSystemOf(container);
        if (forWriting && files.IsReadOnly)
            throw Refused(container, "its root file system is read-only: nothing can be copied into it");
        return new ContainerRoot(forWriting ? files.OpenForWriting() : files.Open(), IdsOf(container), IsRunning: false);
    }

    /// <summary>The root file system, whether the container runs or not.</summary>
    /// <exception cref="RpcException">FAILED_PRECONDITION: it is not known.</exception>
    internal RootFileSystem FileSystemOf(ContainerView container)
    {
        var spec = SpecOf(container);
        var mounts = MountsOf(container);
        try
        {
            if (mounts.Count > 0) return new RootFileSystem(mounts, spec?.Root?.Readonly == true);
        }
        catch (StorageException e)
        {
            throw Refused(container, e.Message);
        }
        return spec?.Root is { } root && Path.IsPathRooted(root.Path)
            ? new RootFileSystem(root.Path, root.Readonly)
            : throw Refused(container, "it has neither a snapshot nor a root directory before it is started: start it first");
    }

    /// <summary>The ids of the container's user namespace, as files have them on the disk.</summary>
    internal static TreeIds IdsOf(ContainerView container)
    {
        // an idmapped mount shows other ids than the disk has
        if (SpecOf(container)?.Linux is not { UidMappings.Count: > 0 } linux || RootMountsOf(container).Any(IsIdMapped))
            return TreeIds.Unchanged;
        return new TreeIds(
            [.. linux.UidMappings.Select(m => new IdRange(m.ContainerID, m.HostID, m.Size))],
            [.. linux.GidMappings.Select(m => new IdRange(m.ContainerID, m.HostID, m.Size))]);

        static bool IsIdMapped(RootfsMount mount) =>
            mount.Options.Any(
                o => o.StartsWith("uidmap", StringComparison.Ordinal) || o.EndsWith("idmap", StringComparison.Ordinal));
    }

    /// <summary>Its size with all layers below, if they are all snapshots; else null.</summary>
    internal long? SizeBelow(ContainerView container)
    {
        if (SnapshotOf(container) is not { } snapshot) return null;
        long size = 0;
        var state = storage.State;
        for (var key = snapshot.ParentKey; key is { } above && state.Snapshots.TryGetValue(above, out var parent);
            key = parent.ParentKey)
            size += parent.Size;
        return size;
    }

    private static ContainerRoot? OfProcess(ContainerView container)
    {
        if (container.Task.State is not TaskState.WithInit task || task is TaskState.Stopped or TaskState.Deleting
            || task.Init.Pid == 0 || task.Init.BootId != ProcStat.BootId) return null;
        if (ProcessRoot.TryOpen(task.Init.Pid, task.Init.StartTime) is not { } root) return null; // it has just exited
        return new ContainerRoot(root.Directory, new TreeIds(Ranges(root.UserIds), Ranges(root.GroupIds)), IsRunning: true);

        static IReadOnlyList<IdRange> Ranges(IReadOnlyList<(uint Inside, uint Outside, uint Count)> ranges) =>
            [.. ranges.Select(r => new IdRange(r.Inside, r.Outside, r.Count))];
    }

    private IReadOnlyList<TreeMount> MountsOf(ContainerView container)
    {
        var mounts = RootMountsOf(container);
        if (mounts.Length > 0) return [.. mounts.Select(m => new TreeMount(m.Type, m.Source, m.Options))];
        if (SnapshotOf(container) is not { } snapshot) return [];
        return storage.Files.Snapshotter(container.Record.Snapshotter) is { } snapshotter
            ? snapshotter.Mounts(snapshot.Id, storage.State.ChainOf(snapshot), snapshot.Kind is SnapshotKind.Active)
            : throw Refused(container, $"its snapshotter {container.Record.Snapshotter} cannot be used here");
    }

    private static ImmutableArray<RootfsMount> RootMountsOf(ContainerView container) =>
        container.Task.State is TaskState.Present { Setup.Rootfs: { Length: > 0 } rootfs } ? rootfs
            : ContainerRootfs.Of(container.Record);

    private SnapshotRecord? SnapshotOf(ContainerView container) =>
        container.Record is { SnapshotKey.Length: > 0 } record
            ? storage.State.Snapshots.GetValueOrDefault(
                new SnapshotKey(record.Id.Namespace, record.Snapshotter, record.SnapshotKey))
            : null;

    private static Spec? SpecOf(ContainerView container) =>
        container.Record.Spec is { } spec ? SpecReader.Read(spec.Value.Span) : null;

    internal static RpcException Refused(ContainerView container, string why) =>
        GrpcTranslation.Refuse(StatusCode.FailedPrecondition, $"container {container.Record.Id.Value}: {why}");
}
