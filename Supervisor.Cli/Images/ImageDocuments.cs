using System.Text.Json;
using Containerd.Services.Content.V1;
using Containerd.Services.Images.V1;
using Containerd.Services.Snapshots.V1;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Registry;
using Supervisor.Registry.Manifests;

namespace Supervisor.Cli.Images;

/// <summary>One platform's image, from the store.</summary>
/// <param name="Manifest">Its configuration and layers.</param>
/// <param name="Config">The configuration: OCI image-spec, config.md.</param>
internal sealed record ImageDocuments(ImageManifest Manifest, JsonElement Config)
{
    private const int Largest = 8 << 20, Deepest = 4;
    private const string Snapshotter = "overlayfs";

    /// <summary>Reads them.</summary>
    /// <exception cref="CliException">A document is not here, or damaged.</exception>
    public static async Task<ImageDocuments> ReadAsync(DaemonClient client, Image image, CancellationToken cancel)
    {
        var target = new Descriptor(image.Target.MediaType, image.Target.Digest, image.Target.Size);
        try
        {
            var bytes = await ReadAsync(client, target.Digest, cancel);
            for (var depth = 0; MediaTypes.IsIndex(target.MediaType) && depth < Deepest; depth++)
            {
                target = ImageIndex.Read(bytes, target.Digest).Choose(Platform.Host, image.Name);
                bytes = await ReadAsync(client, target.Digest, cancel);
            }
            var manifest = ImageManifest.Read(bytes, target.Digest);
            using var config = JsonDocument.Parse(await ReadAsync(client, manifest.Config.Digest, cancel));
            Check(config.RootElement);
            return new ImageDocuments(manifest, config.RootElement.Clone());
        }
        catch (Exception e) when (e is RegistryException or JsonException or InvalidOperationException)
        {
            throw new CliException($"{image.Name}: {e.Message}");
        }
    }

    /// <summary>Bytes of the unpacked layers, if they are unpacked; else of the compressed ones.</summary>
    public async Task<long> SizeAsync(DaemonClient client, CancellationToken cancel)
    {
        long size = 0;
        var chain = "";
        try
        {
            foreach (var id in DiffIds)
            {
                chain = ChainId.Of(chain, id);
                var usage = await client.Snapshots.UsageAsync(
                    new UsageRequest { Snapshotter = Snapshotter, Key = chain }, client.Call(cancel));
                size += usage.Size;
            }
            return size;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            return Manifest.Layers.Sum(l => l.Size);
        }
    }

    /// <summary>Digests of the layers' plain tars, from the lowest up.</summary>
    public IReadOnlyList<string> DiffIds => Config.TryGetProperty("rootfs", out var rootfs)
        && rootfs.TryGetProperty("diff_ids", out var ids) && ids.ValueKind is JsonValueKind.Array
            ? [.. ids.EnumerateArray().Select(i => i.GetString() ?? "")] : [];

    /// <summary>A text of the configuration; empty if it is not there.</summary>
    public string Text(string name) =>
        Config.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

    // The parser lets texts pass that are neither UTF-8 nor UTF-16; reading one of them fails.
    private static void Check(JsonElement json)
    {
        if (json.ValueKind is JsonValueKind.String) _ = json.GetString();
        if (json.ValueKind is JsonValueKind.Array)
            foreach (var item in json.EnumerateArray()) Check(item);
        if (json.ValueKind is JsonValueKind.Object)
            foreach (var field in json.EnumerateObject()) Check(field.Value);
    }

    /// <summary>When the image was built; null if it does not say.</summary>
    public DateTimeOffset? Created => DateTimeOffset.TryParse(
        Text("created"), System.Globalization.CultureInfo.InvariantCulture, out var time) ? time : null;

    private static async Task<byte[]> ReadAsync(DaemonClient client, string digest, CancellationToken cancel)
    {
        using var read = client.Content.Read(new ReadContentRequest { Digest = digest }, client.Call(cancel));
        var bytes = new MemoryStream();
        while (await read.ResponseStream.MoveNext(cancel))
        {
            read.ResponseStream.Current.Data.WriteTo(bytes);
            if (bytes.Length > Largest) throw new CliException($"{digest} is larger than a document may be ({Largest} bytes)");
        }
        return bytes.ToArray();
    }
}
