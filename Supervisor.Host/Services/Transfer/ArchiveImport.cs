using System.Collections.Immutable;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Containerd.Types.Transfer;
using Grpc.Core;
using Supervisor.Host.Services.Storage;
using Supervisor.Host.Services.Streaming;
using Supervisor.Registry;
using Supervisor.Registry.Manifests;
using Supervisor.Registry.References;

namespace Supervisor.Host.Services.Transfer;

/// <summary>
/// From an archive into the store: OCI's image layout, or what <c>docker save</c> writes, compressed or not. OCI image-spec,
/// image-layout.md; docker's image specification 1.2.
/// </summary>
public sealed class ArchiveImport(ImageContent content, ImageParts parts, ImageUnpacking unpacking, ImageNaming naming)
{
    /// <summary>Imports all images of the archive, and names those that have a name.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: it is not an archive of images.</exception>
    public async Task RunAsync(
        ImageImportStream source, ImageStore destination, ClientStreams streams, TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(streams);
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(caller);
        if (source.ForceCompress)
            throw GrpcTranslation.Refuse(
                StatusCode.Unimplemented, "source.force_compress is not implemented: layers are kept as the archive has them");
        var stream = streams.Take(caller.Namespace, source.Stream);
        ArchiveFiles files;
        try
        {
            progress.Say("Importing");
            await using var archive = await PlainAsync(new ReceivedBytes(stream), caller.Cancel);
            files = await ArchiveFiles.ReadAsync(archive, content, progress, caller);
        }
        finally
        {
            stream.Close();
        }
        var index = await IndexAsync(files, caller);
        foreach (var image in index)
        {
            var chosen = await KeepAsync(image, destination, caller);
            await UnpackAsync(chosen, destination, progress, caller);
            foreach (var name in ArchiveNames.Of(destination.ExtraReferences, image.Annotations, image.Digest).Distinct())
                await naming.StoreAsync(name, destination, image, progress, caller);
        }
        if (destination.Name.Length > 0 || destination.ExtraReferences.Any(r => !r.IsPrefix))
            await naming.StoreAsync(destination, await StoreIndexAsync(files, index, caller), progress, caller);
        progress.Say("Completed import");
    }

    // The first bytes show the compression. RFC 1952, RFC 8878.
    private static async Task<Stream> PlainAsync(Stream archive, CancellationToken cancel)
    {
        var pipe = PipeReader.Create(archive);
        var first = await pipe.ReadAtLeastAsync(4, cancel);
        var head = new byte[Math.Min(4, first.Buffer.Length)];
        System.Buffers.BuffersExtensions.CopyTo(first.Buffer.Slice(0, head.Length), head);
        pipe.AdvanceTo(first.Buffer.Start);
        return head switch
        {
            [0x1f, 0x8b, 0x08, ..] => new GZipStream(pipe.AsStream(), CompressionMode.Decompress),
            [0x28, 0xb5, 0x2f, 0xfd] => new ZstdSharp.DecompressionStream(pipe.AsStream(), leaveOpen: false),
            _ => pipe.AsStream(),
        };
    }

    private async Task<IReadOnlyList<Descriptor>> IndexAsync(ArchiveFiles files, StorageCaller caller)
    {
        if (files.Document("index.json") is { } index) return ImageIndex.Read(index, "index.json").Manifests;
        if (files.Document("manifest.json") is { } docker) return await DockerAsync(files, docker, caller);
        throw GrpcTranslation.Refuse(
            StatusCode.InvalidArgument, "the archive has neither index.json nor manifest.json: it is not a tar of images");
    }

    // Keeps the parts with the image, and returns the documents that are wanted.
    private async Task<IReadOnlyList<Descriptor>> KeepAsync(Descriptor image, ImageStore destination, StorageCaller caller)
    {
        var all = await parts.WalkAsync(image, ImageNaming.Platforms(destination.Platforms), caller);
        foreach (var part in all)
        {
            if (content.Find(part.Digest, caller) is null && !MediaTypes.IsForeign(part.MediaType))
                throw GrpcTranslation.Refuse(StatusCode.InvalidArgument,
                    $"the archive lacks {part.Digest}, a part of {image.Digest}");
            if (!MediaTypes.IsIndex(part.MediaType) && !MediaTypes.IsManifest(part.MediaType)) continue;
            var bytes = await content.ReadAsync(part, caller);
            await content.LabelAsync(part.Digest, ImageParts.Labels(part, ImageParts.Of(part, bytes)), caller);
        }
        return [.. all.Where(p => MediaTypes.IsManifest(p.MediaType))];
    }

    private async Task UnpackAsync(
        IReadOnlyList<Descriptor> manifests, ImageStore destination, TransferProgress progress, StorageCaller caller)
    {
        foreach (var manifest in manifests)
        {
            var image = ImageManifest.Read(await content.ReadAsync(manifest, caller), manifest.Digest);
            if (image.Config.MediaType is not (MediaTypes.Config or MediaTypes.DockerConfig)) continue;
            var platform = manifest.Platform ?? ImagePlatform.Of(await content.ReadAsync(image.Config, caller),
                image.Config.Digest);
            foreach (var unpack in destination.Unpacks.Where(u => ImageNaming.Of(u.Platform).Score(platform) > 0))
                await unpacking.RunAsync(
                    image.Config, image.Layers, _ => Task.CompletedTask, unpack.Snapshotter, progress, caller);
        }
    }

    // docker save: [{"Config":"HEX.json","RepoTags":["name:tag"],"Layers":["HEX/layer.tar"]}]
    private async Task<IReadOnlyList<Descriptor>> DockerAsync(ArchiveFiles files, byte[] list, StorageCaller caller)
    {
        var images = new List<Descriptor>();
        foreach (var image in Read(list))
        {
            var config = Part(image.Config, MediaTypes.DockerConfig);
            var layers = new List<Descriptor>();
            foreach (var layer in image.Layers)
            {
                var blob = Part(layer, "");
                layers.Add(new Descriptor(await LayerTypeAsync(blob, caller), blob.Digest, blob.Size));
            }
            var (manifest, bytes) = Compose(config, layers);
            await content.StoreAsync(manifest, bytes, ImageParts.Labels(manifest, [config, .. layers]), caller);
            images.AddRange(image.Tags.Count == 0 ? [manifest] : image.Tags.Select(tag => Named(manifest, tag)));
        }
        return images;

        Descriptor Part(string file, string mediaType) => files.Blob(file) is { } blob
            ? new Descriptor(mediaType, blob.Digest, blob.Size)
            : throw GrpcTranslation.Refuse(StatusCode.InvalidArgument,
                $"the archive's manifest.json names \"{file}\", which it has not");
    }

    private async Task<string> LayerTypeAsync(Descriptor layer, StorageCaller caller)
    {
        await using var bytes = content.Open(layer, caller);
        var first = new byte[4];
        var got = await bytes.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false, caller.Cancel);
        const string type = "application/vnd.docker.image.rootfs.diff.tar";
        return first.AsSpan(0, got) is [0x1f, 0x8b, 0x08, ..] ? type + ".gzip"
            : first.AsSpan(0, got) is [0x28, 0xb5, 0x2f, 0xfd] ? type + ".zstd" : type;
    }

    private async Task<Descriptor> StoreIndexAsync(ArchiveFiles files, IReadOnlyList<Descriptor> images, StorageCaller caller)
    {
        var bytes = files.Document("index.json") ?? Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.Index, ["manifests"] = new JsonArray([.. images.Select(Json)]),
        }.ToJsonString());
        var index = Of(MediaTypes.Index, bytes);
        await content.StoreAsync(index, bytes, ImageParts.Labels(index, images), caller);
        return index;
    }

    private static (Descriptor Manifest, byte[] Bytes) Compose(Descriptor config, IEnumerable<Descriptor> layers)
    {
        var bytes = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.DockerManifest, ["config"] = Json(config),
            ["layers"] = new JsonArray([.. layers.Select(Json)]),
        }.ToJsonString());
        return (Of(MediaTypes.DockerManifest, bytes), bytes);
    }

    private static Descriptor Of(string mediaType, byte[] bytes) =>
        new(mediaType, "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length);

    private static JsonNode Json(Descriptor d) =>
        new JsonObject { ["mediaType"] = d.MediaType, ["digest"] = d.Digest, ["size"] = d.Size };

    private static Descriptor Named(Descriptor manifest, string tag)
    {
        var name = ImageName.Parse(tag);
        return manifest with { Annotations = new Dictionary<string, string> {
            [ArchiveNames.FullName] = name.ToString(), [ArchiveNames.Tag] = name.Tag } };
    }

    private static List<(string Config, List<string> Tags, List<string> Layers)> Read(byte[] list)
    {
        try
        {
            using var document = JsonDocument.Parse(list);
            return [.. document.RootElement.EnumerateArray().Select(image => (
                image.GetProperty("Config").GetString() ?? "", Texts(image, "RepoTags"), Texts(image, "Layers")))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new RegistryException(RegistryFault.InvalidArgument,
                $"the archive's manifest.json is not docker's: {e.Message}", e);
        }

        static List<string> Texts(JsonElement image, string name) =>
            image.TryGetProperty(name, out var texts) && texts.ValueKind is JsonValueKind.Array
                ? [.. texts.EnumerateArray().Select(t => t.GetString() ?? "")] : [];
    }
}
