using System.Collections.Immutable;
using Containerd.Types.Transfer;
using Grpc.Core;
using Supervisor.Actors.Images;
using Supervisor.Host.Services.Storage;
using Supervisor.Registry.Manifests;

namespace Supervisor.Host.Services.Transfer;

/// <summary>Images' names in the store: found, and given.</summary>
public sealed class ImageNaming(StorageCalls storage)
{
    private const int LongestName = 4096;

    /// <summary>The image of a name.</summary>
    /// <exception cref="RpcException">NOT_FOUND: there is none.</exception>
    public Descriptor Find(string name, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return storage.State.Images.TryGetValue(new ImageKey(caller.Namespace, name), out var image)
            ? new Descriptor(image.MediaType, image.Digest, image.Size, null, image.Annotations.ToDictionary())
            : throw GrpcTranslation.Refuse(StatusCode.NotFound, $"image \"{name}\": not found");
    }

    /// <summary>Gives an image all names that a destination asks for.</summary>
    public async Task StoreAsync(ImageStore destination, Descriptor image, TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(destination);
        string[] own = destination.Name.Length > 0 ? [destination.Name] : [];
        var further = destination.ExtraReferences.Where(r => !r.IsPrefix)
            .Select(r => r.AddDigest ? $"{r.Name}@{image.Digest}" : r.Name);
        foreach (var name in own.Concat(further).Distinct()) await StoreAsync(name, destination, image, progress, caller);
    }

    /// <summary>Gives an image one name, which may have been another image's.</summary>
    public async Task StoreAsync(
        string name, ImageStore destination, Descriptor image, TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(caller);
        if (name.Length is 0 or > LongestName)
            throw new Actors.Identity.InvalidFieldException("destination.name", $"must be 1 to {LongestName} characters long");
        var record = new ImageRecord(
            caller.Namespace, name, destination.Labels.ToLabels("destination.labels"), image.MediaType, image.Digest, image.Size,
            image.Annotations.ToImmutableSortedDictionary(StringComparer.Ordinal), default, default);
        while (true)
            try
            {
                await storage.AskAsync(
                    storage.State.Images.ContainsKey(record.Key)
                        ? new MetadataCommand.UpdateImage(record, [], storage.Now)
                        : new MetadataCommand.CreateImage(record, storage.Now), caller);
                break;
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.AlreadyExists or StatusCode.NotFound)
            {
                caller.Cancel.ThrowIfCancellationRequested(); // another client made or removed it in between
            }
        progress.Save(name, image);
    }

    /// <summary>Gives an image of the store a further name.</summary>
    public async Task TagAsync(ImageStore source, ImageStore destination, TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Name.Length == 0 && destination.ExtraReferences.Count == 0)
            throw new Actors.Identity.InvalidFieldException("destination.name", "must be set");
        await StoreAsync(destination, Find(source.Name, caller), progress, caller);
    }

    /// <summary>The platforms that a message names.</summary>
    public static IReadOnlyList<Platform> Platforms(IEnumerable<Containerd.Types.Platform> platforms)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        return [.. platforms.Select(Of)];
    }

    /// <summary>A message's platform.</summary>
    public static Platform Of(Containerd.Types.Platform? platform) => platform is null ? Platform.Host : Platform.Parse(
        string.Join('/', new[] { platform.Os, platform.Architecture, platform.Variant }.Where(p => p.Length > 0)));
}
