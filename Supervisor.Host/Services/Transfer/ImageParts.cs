using System.Collections.Immutable;
using Grpc.Core;
using Supervisor.Host.Services.Storage;
using Supervisor.Registry.Manifests;

namespace Supervisor.Host.Services.Transfer;

/// <summary>What an image consists of: the manifests of an index, configuration and layers of a manifest.</summary>
public sealed class ImageParts(ImageContent content)
{
    /// <summary>Indexes in indexes.</summary>
    public const int DeepestIndex = 4;

    private const string Reference = "containerd.io/gc.ref.content.";

    /// <summary>The parts of a document.</summary>
    /// <returns>Empty for anything but a manifest or an index.</returns>
    public static IReadOnlyList<Descriptor> Of(Descriptor document, ReadOnlyMemory<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(document);
        if (MediaTypes.IsIndex(document.MediaType)) return ImageIndex.Read(bytes, document.Digest).Manifests;
        if (!MediaTypes.IsManifest(document.MediaType)) return [];
        var manifest = ImageManifest.Read(bytes, document.Digest);
        return [manifest.Config, .. manifest.Layers];
    }

    /// <summary>Labels by which a document keeps its parts from the collector, as containerd's clients write them.</summary>
    public static ImmutableSortedDictionary<string, string> Labels(Descriptor document, IReadOnlyList<Descriptor> parts)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(parts);
        var isIndex = MediaTypes.IsIndex(document.MediaType);
        return parts.Select((p, i) => KeyValuePair.Create(
                Reference + (isIndex ? $"m.{i}" : i == 0 ? "config" : $"l.{i - 1}"), p.Digest))
            .ToImmutableSortedDictionary(StringComparer.Ordinal);
    }

    /// <summary>The manifests of an index that are wanted.</summary>
    /// <param name="platforms">Empty: all.</param>
    /// <param name="most">0: any number.</param>
    /// <exception cref="Supervisor.Registry.RegistryException">FailedPrecondition: there is none for a platform.</exception>
    public static IReadOnlyList<Descriptor> Chosen(
        Descriptor index, IReadOnlyList<Descriptor> parts, IReadOnlyList<Platform> platforms, int most)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(parts);
        ArgumentNullException.ThrowIfNull(platforms);
        if (!MediaTypes.IsIndex(index.MediaType)) return parts;
        var chosen = platforms.Count == 0
            ? parts : [.. platforms.Select(p => new ImageIndex(parts).Choose(p, index.Digest)).Distinct()];
        return most > 0 && chosen.Count > most ? [.. chosen.Take(most)] : chosen;
    }

    /// <summary>The manifest of one platform, in the store.</summary>
    /// <exception cref="RpcException">NOT_FOUND: a document of it is not here.</exception>
    public async Task<(Descriptor Descriptor, ImageManifest Manifest)> ManifestAsync(
        Descriptor image, Platform platform, StorageCaller caller)
    {
        for (var depth = 0; ; depth++)
        {
            ArgumentNullException.ThrowIfNull(image);
            var bytes = await content.ReadAsync(image, caller);
            if (!MediaTypes.IsIndex(image.MediaType)) return (image, ImageManifest.Read(bytes, image.Digest));
            if (depth == DeepestIndex) throw TooDeep(image);
            image = ImageIndex.Read(bytes, image.Digest).Choose(platform, image.Digest);
        }
    }

    /// <summary>Walks what is in the store, children before their parents.</summary>
    /// <param name="platforms">Empty: all that is here.</param>
    /// <returns>Each part once; the last is the image itself.</returns>
    public async Task<IReadOnlyList<Descriptor>> WalkAsync(
        Descriptor image, IReadOnlyList<Platform> platforms, StorageCaller caller)
    {
        var found = new List<Descriptor>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        await VisitAsync(image, 0);
        return found;

        async Task VisitAsync(Descriptor part, int depth)
        {
            if (!seen.Add(part.Digest)) return;
            if (MediaTypes.IsIndex(part.MediaType) || MediaTypes.IsManifest(part.MediaType))
            {
                if (depth > DeepestIndex) throw TooDeep(part);
                var children = Chosen(part, Of(part, await content.ReadAsync(part, caller)), platforms, 0);
                // Of an index, only the platforms that were pulled are here.
                foreach (var child in MediaTypes.IsIndex(part.MediaType) && platforms.Count == 0
                    ? children.Where(c => content.Find(c.Digest, caller) is not null) : children)
                    await VisitAsync(child, depth + 1);
            }
            found.Add(part);
        }
    }

    internal static RpcException TooDeep(Descriptor index) => GrpcTranslation.Refuse(
        StatusCode.InvalidArgument, $"{index.Digest}: indexes are nested more than {DeepestIndex} times");
}
