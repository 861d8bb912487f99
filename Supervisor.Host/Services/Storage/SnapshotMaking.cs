using System.Collections.Immutable;
using Grpc.Core;
using Supervisor.Actors.Images;
using Supervisor.Storage;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Snapshots;
using Kind = Supervisor.Actors.Images.SnapshotKind;

namespace Supervisor.Host.Services.Storage;

/// <summary>Makes and commits snapshots, for clients and for images that are unpacked.</summary>
public sealed class SnapshotMaking(StorageCalls storage)
{
    /// <summary>The snapshotter of a name.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: there is none, or it cannot be used here.</exception>
    public Snapshotter Find(string name)
    {
        if (name.Length == 0)
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, "snapshotter argument missing: invalid argument");
        if (storage.Files.Snapshotter(name) is { } usable) return usable;
        var why = storage.Files.Snapshotters.FirstOrDefault(s => s.Name == name)?.Unusable;
        throw GrpcTranslation.Refuse(
            StatusCode.InvalidArgument,
            $"snapshotter not loaded: {name[..Math.Min(name.Length, 76)]}{(why is null ? "" : $" ({why})")}: invalid argument");
    }

    /// <summary>Makes an active snapshot or a view. The directory first, then the record: a restart removes directories without a
    /// record.</summary>
    /// <returns>Its mounts.</returns>
    public async Task<IEnumerable<TreeMount>> MakeAsync(
        Snapshotter snapshotter, string key, string parent, ImmutableSortedDictionary<string, string> labels, Kind kind,
        StorageCaller caller)
    {
        await storage.PinAsync($"snapshots/{snapshotter.Name}", key, caller);
        var id = storage.Files.Names.Next();
        var command = new MetadataCommand.PrepareSnapshot(
            new SnapshotKey(caller.Namespace, snapshotter.Name, key), parent, kind, id, labels, storage.Now);
        // Checked before anything is copied; the actor checks again.
        var decided = MetadataMachine.Decide(storage.State, command, () => []);
        if (decided.Refusal is { } refusal) throw refusal.ToRpcException();
        var parentId = parent.Length == 0
            ? (long?)null : storage.State.Snapshots.GetValueOrDefault(command.Key with { Name = parent })?.Id;
        var made = false;
        try
        {
            await RunAsync(
                "make a snapshot", cancel =>
                    { snapshotter.Make(id, parentId, kind is Kind.Active, cancel); return true; }, caller);
            var state = await storage.AskAsync(command, caller);
            made = true;
            return MountsOf(snapshotter, state.Snapshots[command.Key], state);
        }
        catch (Exception e) when (
            e is not (StorageException or IOException)
            and not RpcException { StatusCode: StatusCode.AlreadyExists or StatusCode.NotFound or StatusCode.InvalidArgument })
        {
            made = true; // the result is unknown: if it is not recorded, the next start removes it
            throw;
        }
        finally
        {
            if (!made) await storage.Files.RemoveAsync([new Freed(null, snapshotter.Name, id)]);
        }
    }

    /// <summary>Commits an active snapshot under a name.</summary>
    public async Task CommitAsync(
        Snapshotter snapshotter, SnapshotRecord record, string name, ImmutableSortedDictionary<string, string> labels,
        StorageCaller caller)
    {
        await storage.PinAsync($"snapshots/{snapshotter.Name}", name, caller);
        var usage = await RunAsync("measure a snapshot", cancel => snapshotter.Usage(record.Id, cancel), caller);
        await storage.AskAsync(
            new MetadataCommand.CommitSnapshot(record.Key, name, labels, usage.Size, usage.Inodes, storage.Now), caller);
    }

    /// <summary>What is mounted to see a snapshot.</summary>
    public static IEnumerable<TreeMount> MountsOf(Snapshotter snapshotter, SnapshotRecord record, MetadataState state) =>
        snapshotter.Mounts(record.Id, state.ChainOf(record), record.Kind is Kind.Active);

    private Task<T> RunAsync<T>(string what, Func<CancellationToken, T> work, StorageCaller caller) =>
        storage.Files.Workers.RunAsync(what, work, storage.Files.Limits.LayerDeadline, caller.Cancel);
}
