using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Supervisor.Actors.Images;
using Supervisor.Host.Services.Storage;
using Supervisor.Registry.Manifests;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Snapshots;

namespace Supervisor.Host.Services.Transfer;

/// <summary>
/// Makes snapshots of an image's layers, each under its chain id, so that clients find them. OCI image-spec, config.md, "Layer
/// ChainID".
/// </summary>
public sealed class ImageUnpacking(StorageCalls storage, SnapshotMaking making, ImageContent content)
{
    /// <summary>The snapshotter of clients that name none: containerd's.</summary>
    public const string DefaultSnapshotter = "overlayfs";

    private const string Uncompressed = "containerd.io/uncompressed", SnapshotReference = "containerd.io/gc.ref.snapshot.";

    /// <summary>Unpacks each layer when it is there; those that have a snapshot are not unpacked again.</summary>
    /// <param name="config">The image's configuration, in the store.</param>
    /// <param name="layers">From the lowest up.</param>
    /// <param name="available">Completes when a layer is in the store.</param>
    /// <param name="snapshotterName">Empty: the default.</param>
    /// <exception cref="RpcException">FAILED_PRECONDITION: a layer is not what the configuration says.</exception>
    public async Task RunAsync(
        Descriptor config, IReadOnlyList<Descriptor> layers, Func<Descriptor, Task> available, string snapshotterName,
        TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(available);
        ArgumentNullException.ThrowIfNull(progress);
        var snapshotter = making.Find(snapshotterName.Length > 0 ? snapshotterName : DefaultSnapshotter);
        var ids = DiffIds(await content.ReadAsync(config, caller), config.Digest);
        if (ids.Count != layers.Count)
            throw GrpcTranslation.Refuse(
                StatusCode.FailedPrecondition,
                $"the configuration {config.Digest} has {ids.Count} layers, its manifest {layers.Count}");
        var chain = "";
        for (var i = 0; i < ids.Count; i++)
        {
            var parent = chain;
            chain = ChainId.Of(parent, ids[i]);
            await storage.PinAsync($"snapshots/{snapshotter.Name}", chain, caller);
            if (Find(snapshotter, chain, caller) is not null) continue;
            await available(layers[i]);
            progress.Unpack(layers[i], isDone: false);
            await UnpackAsync(snapshotter, layers[i], ids[i], parent, chain, caller);
            progress.Unpack(layers[i], isDone: true);
        }
        if (chain.Length > 0)
            await content.LabelAsync(config.Digest, Labels((SnapshotReference + snapshotter.Name, chain)), caller);
    }

    private async Task UnpackAsync(
        Snapshotter snapshotter, Descriptor layer, string diffId, string parent, string chain, StorageCaller caller)
    {
        // The name by which containerd's clients recognize an unfinished one.
        var key = $"extract-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))} {chain}";
        var mounts = (await making.MakeAsync(
            snapshotter, key, parent, ImmutableSortedDictionary<string, string>.Empty, SnapshotKind.Active, caller)).ToList();
        var isCommitted = false;
        try
        {
            var blob = content.Find(layer.Digest, caller)
                ?? throw GrpcTranslation.Refuse(StatusCode.NotFound, $"content digest {layer.Digest}: not found");
            var files = storage.Files;
            var applied = await files.Workers.RunAsync("unpack a layer", cancel =>
            {
                using var file = files.Content.TryOpen(blob.File)
                    ?? throw GrpcTranslation.Refuse(StatusCode.NotFound, $"content digest {layer.Digest}: not found");
                return LayerWork.Apply(file, layer.MediaType, mounts, sync: false, files.Limits, cancel);
            }, files.Limits.LayerDeadline, caller.Cancel);
            if (applied.Digest.Text != diffId)
                throw GrpcTranslation.Refuse(
                    StatusCode.FailedPrecondition,
                    $"layer {layer.Digest} unpacks to {applied.Digest.Text}, the configuration says {diffId}");
            await content.LabelAsync(layer.Digest, Labels((Uncompressed, diffId)), caller);
            var record = Find(snapshotter, key, caller)
                ?? throw GrpcTranslation.Refuse(StatusCode.NotFound, $"snapshot {key} does not exist: not found");
            await making.CommitAsync(snapshotter, record, chain, ImmutableSortedDictionary<string, string>.Empty, caller);
            isCommitted = true;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.AlreadyExists)
        {
            // another client has unpacked the same layer in the meantime
        }
        finally
        {
            if (!isCommitted) await RemoveAsync(snapshotter, key, caller);
        }
    }

    private async Task RemoveAsync(Snapshotter snapshotter, string key, StorageCaller caller)
    {
        try
        {
            await storage.AskAsync(
                new MetadataCommand.RemoveSnapshot(new SnapshotKey(caller.Namespace, snapshotter.Name, key), storage.Now),
                caller with { Cancel = CancellationToken.None });
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            // the collector was faster
        }
    }

    private SnapshotRecord? Find(Snapshotter snapshotter, string name, StorageCaller caller) =>
        storage.State.Snapshots.GetValueOrDefault(new SnapshotKey(caller.Namespace, snapshotter.Name, name));

    private static ImmutableSortedDictionary<string, string> Labels(params (string Key, string Value)[] labels) =>
        labels.ToImmutableSortedDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal);

    private static List<string> DiffIds(byte[] config, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(config);
            return [.. document.RootElement.GetProperty("rootfs").GetProperty("diff_ids").EnumerateArray()
                .Select(id => Supervisor.Storage.Content.Digest.Parse(id.GetString() ?? "").Text)];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, $"{name} is not an image's configuration: {e.Message}");
        }
    }
}
