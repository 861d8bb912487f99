using System.Formats.Tar;
using System.Text;
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
/// From the store into an archive: OCI's image layout, and docker's manifest.json beside it, so that <c>docker load</c> reads it.
/// OCI image-spec, image-layout.md.
/// </summary>
public sealed class ArchiveExport(ImageContent content, ImageParts parts, ImageNaming naming)
{
    /// <summary>Writes images to the client's stream.</summary>
    /// <exception cref="RpcException">NOT_FOUND: an image, or a part of one, is not here.</exception>
    public async Task RunAsync(
        ImageStore source, ImageExportStream destination, ClientStreams streams, TransferProgress progress, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(streams);
        ArgumentNullException.ThrowIfNull(progress);
        var stream = streams.Take(caller.Namespace, destination.Stream);
        try
        {
            if (source.ExtraReferences.Any(r => r.IsPrefix))
                throw GrpcTranslation.Refuse(StatusCode.Unimplemented,
                    "source.extra_references: prefixes are not implemented: name images");
            var names = source.ExtraReferences.Select(r => r.Name).Prepend(source.Name).Where(n => n.Length > 0).Distinct()
                .ToList();
            if (names.Count == 0) throw new Actors.Identity.InvalidFieldException("source.name", "must be set");
            var platforms = destination.AllPlatforms ? [] : ImageNaming.Platforms(
                destination.Platforms.Count > 0 ? destination.Platforms : source.Platforms);
            progress.Say("Exporting");
            await WriteAsync(names, platforms, destination, new SentBytes(stream), progress, caller);
            progress.Say("Completed export");
        }
        finally
        {
            stream.Close();
        }
    }

    private async Task WriteAsync(
        List<string> names, IReadOnlyList<Platform> platforms, ImageExportStream options, Stream to, TransferProgress progress,
        StorageCaller caller)
    {
        await using var tar = new TarWriter(to, TarEntryFormat.Pax, leaveOpen: true);
        var images = names.Select(n => (Name: n, Image: naming.Find(n, caller))).ToList();
        await AddAsync(tar, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray(), caller);
        await AddAsync(tar, "index.json", Bytes(new JsonObject
        {
            ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.Index,
            ["manifests"] = new JsonArray([.. images.Select(i => Entry(i.Name, i.Image))]),
        }), caller);
        if (!options.SkipCompatibilityManifest) await AddDockersAsync(tar, images, platforms, caller);
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (_, image) in images)
            foreach (var part in await parts.WalkAsync(image, platforms, caller))
            {
                if (options.SkipNonDistributable && MediaTypes.IsForeign(part.MediaType) || !written.Add(part.Digest)) continue;
                if (MediaTypes.IsForeign(part.MediaType) && content.Find(part.Digest, caller) is null) continue; // never fetched
                await using var bytes = content.Open(part, caller);
                await tar.WriteEntryAsync(File(PathOf(part.Digest), bytes), caller.Cancel);
                progress.Complete(part);
            }
    }

    // One entry for each image: docker's format knows no platforms.
    private async Task AddDockersAsync(
        TarWriter tar, List<(string Name, Descriptor Image)> images, IReadOnlyList<Platform> platforms, StorageCaller caller)
    {
        var list = new JsonArray();
        foreach (var (name, image) in images)
        {
            ImageManifest manifest;
            try
            {
                manifest = (await parts.ManifestAsync(image, platforms.Count > 0 ? platforms[0] : Platform.Host, caller))
                    .Manifest;
            }
            catch (Exception e) when (e is RegistryException { Fault: RegistryFault.FailedPrecondition }
                or RpcException { StatusCode: StatusCode.NotFound })
            {
                continue; // docker could not run it here either
            }
            list.Add((JsonNode)new JsonObject
            {
                ["Config"] = PathOf(manifest.Config.Digest),
                ["RepoTags"] = new JsonArray([.. Familiar(name).Select(n => (JsonNode)JsonValue.Create(n))]),
                ["Layers"] = new JsonArray([.. manifest.Layers.Select(l => (JsonNode)JsonValue.Create(PathOf(l.Digest)))]),
            });
        }
        if (list.Count > 0) await AddAsync(tar, "manifest.json", Encoding.UTF8.GetBytes(list.ToJsonString()), caller);
    }

    private static JsonObject Entry(string name, Descriptor image)
    {
        var annotations = new JsonObject();
        foreach (var (key, value) in image.Annotations) annotations[key] = value;
        annotations[ArchiveNames.FullName] = name;
        if (TryParse(name) is { Tag.Length: > 0 } parsed) annotations[ArchiveNames.Tag] = parsed.Tag;
        return new JsonObject {
            ["mediaType"] = image.MediaType, ["digest"] = image.Digest, ["size"] = image.Size, ["annotations"] = annotations };
    }

    private static IEnumerable<string> Familiar(string name) => TryParse(name) is { Tag.Length: > 0 } parsed ? [parsed.Familiar]
        : [];

    // The store's names are any text.
    private static ImageName? TryParse(string name)
    {
        try { return ImageName.Parse(name); }
        catch (RegistryException) { return null; }
    }

    private static string PathOf(string digest) => $"blobs/{digest.Replace(':', '/')}";

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static async Task AddAsync(TarWriter tar, string name, byte[] bytes, StorageCaller caller) =>
        await tar.WriteEntryAsync(File(name, new MemoryStream(bytes)), caller.Cancel);

    private static PaxTarEntry File(string name, Stream bytes) => new(TarEntryType.RegularFile, name)
    {
        DataStream = bytes, ModificationTime = DateTimeOffset.UnixEpoch,
        Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
    };
}
