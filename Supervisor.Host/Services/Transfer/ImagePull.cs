using Containerd.Types.Transfer;
using Supervisor.Host.Services.Storage;
using Supervisor.Host.Services.Streaming;

namespace Supervisor.Host.Services.Transfer;

/// <summary>From a registry into the store.</summary>
public sealed class ImagePull(
    RegistryClients registries, ImageContent content, ImageUnpacking unpacking, ImageNaming naming)
{
    /// <summary>Pulls an image, unpacks it if that is asked for, and gives it its names when all of it is here.</summary>
    /// <exception cref="Supervisor.Registry.RegistryException">The registry does not have it, or fails.</exception>
    public async Task RunAsync(
        OCIRegistry source, ImageStore destination, ClientStreams streams, TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(progress);
        var (name, client) = registries.Open(source, streams, caller);
        using var connections = client;
        progress.Say($"Resolving from OCI Registry ({name})");
        var image = await client.ResolveAsync(caller.Cancel);
        progress.Say($"Pulling from OCI Registry ({name})");
        await using (var fetch = new ImageFetch(client, name, destination, content, unpacking, progress, caller))
            await fetch.RunAsync(image);
        await naming.StoreAsync(destination, image, progress, caller);
        progress.Say($"Completed pull from OCI Registry ({name})");
    }
}
