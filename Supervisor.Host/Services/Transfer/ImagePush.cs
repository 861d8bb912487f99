using Containerd.Types.Transfer;
using Grpc.Core;
using Supervisor.Host.Services.Storage;
using Supervisor.Host.Services.Streaming;
using Supervisor.Registry;
using Supervisor.Registry.Manifests;

namespace Supervisor.Host.Services.Transfer;

/// <summary>From the store to a registry.</summary>
public sealed class ImagePush(RegistryClients registries, ImageContent content, ImageParts parts, ImageNaming naming)
{
    private const int AtOnce = 5; // docker's default
    private const string SourceLabel = "containerd.io/distribution.source.";

    /// <summary>Pushes an image: its blobs, then the manifests of them, then what has the tag.</summary>
    /// <exception cref="RegistryException">The registry refuses it, or fails.</exception>
    public async Task RunAsync(
        ImageStore source, OCIRegistry destination, ClientStreams streams, TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(progress);
        var image = naming.Find(source.Name, caller);
        var (name, client) = registries.Open(destination, streams, caller);
        using var connections = client;
        progress.Say($"Pushing to OCI Registry ({name})");
        var all = await parts.WalkAsync(image, ImageNaming.Platforms(source.Platforms), caller);
        var documents = all.Where(p => MediaTypes.IsIndex(p.MediaType) || MediaTypes.IsManifest(p.MediaType)).ToList();
        foreach (var part in all) progress.Wait(part, name.ToString());
        var blobs = all.Except(documents).Where(b => !MediaTypes.IsForeign(b.MediaType));
        await Parallel.ForEachAsync(
            blobs, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = caller.Cancel },
            async (blob, cancel) =>
            {
                if (await client.HasAsync(blob, cancel))
                {
                    progress.Exists(blob);
                    return;
                }
                await client.PushBlobAsync(
                    blob, () => content.Open(blob, caller), SourceOf(blob, name.Host, name.Repository, caller),
                    sent => progress.Move("uploading", blob, sent), cancel);
                progress.Complete(blob);
            });
        foreach (var document in documents)
        {
            await client.PushManifestAsync(
                document, await content.ReadAsync(document, caller), isTagged: document.Digest == image.Digest, caller.Cancel);
            progress.Complete(document);
        }
        progress.Say($"Completed push to OCI Registry ({name})");
    }

    // Another repository of the same registry from which this blob was pulled.
    private string? SourceOf(Descriptor blob, string host, string own, StorageCaller caller) =>
        content.Find(blob.Digest, caller)?.Labels.GetValueOrDefault(SourceLabel + host)?.Split(',')
            .FirstOrDefault(repository => repository.Length > 0 && repository != own);
}
