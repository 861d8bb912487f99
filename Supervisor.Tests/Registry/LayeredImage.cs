using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Supervisor.Registry.Manifests;

namespace Supervisor.Tests.Registry;

/// <summary>An image whose layers are tars of one file each, as a registry has it: bytes by digest.</summary>
public sealed class LayeredImage
{
    public const string GzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

    /// <param name="texts">What each layer's file <c>layer-N</c> holds, from the lowest up.</param>
    /// <param name="lie">A diff id in place of the first one.</param>
    public LayeredImage(string[] texts, string architecture = "amd64", string? lie = null)
    {
        Tars = [.. texts.Select((t, i) => Tar($"layer-{i}", t))];
        DiffIds = [.. Tars.Select(DigestOf)];
        Layers = [.. Tars.Select(t => Add(Compress(t), GzipLayer))];
        Config = Add(Encoding.UTF8.GetBytes(new JsonObject
        {
            ["architecture"] = architecture, ["os"] = "linux", ["config"] = new JsonObject { ["Cmd"] = new JsonArray("/bin/sh") },
            ["rootfs"] = new JsonObject {
                ["type"] = "layers",
                ["diff_ids"] = new JsonArray([.. DiffIds.Select((d, i) => (JsonNode)(i == 0 && lie is not null ? lie : d))]) },
        }.ToJsonString()), MediaTypes.Config);
        Manifest = Add(Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.Manifest, ["config"] = Json(Config),
            ["layers"] = new JsonArray([.. Layers.Select(Json)]),
        }.ToJsonString()), MediaTypes.Manifest);
    }

    public IReadOnlyList<byte[]> Tars { get; }

    public IReadOnlyList<string> DiffIds { get; }

    public IReadOnlyList<Descriptor> Layers { get; }

    public Descriptor Config { get; }

    public Descriptor Manifest { get; }

    /// <summary>Every part, by digest.</summary>
    public Dictionary<string, byte[]> Blobs { get; } = [];

    public byte[] this[Descriptor part] => Blobs[part.Digest];

    /// <summary>An index of images, each for its architecture, and of one attestation.</summary>
    public static (Descriptor Index, Dictionary<string, byte[]> Blobs) IndexOf(
        params (LayeredImage Image, string Architecture)[] images)
    {
        var attestation = new LayeredImage(["attested"]);
        var entries = images.Select(i => (JsonNode)Platformed(i.Image.Manifest, i.Architecture, "linux"))
            .Append(Platformed(attestation.Manifest, "unknown", "unknown"));
        var bytes = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.Index, ["manifests"] = new JsonArray([.. entries]),
        }.ToJsonString());
        var blobs = images.SelectMany(i => i.Image.Blobs).Concat(attestation.Blobs).DistinctBy(b => b.Key).ToDictionary();
        blobs[DigestOf(bytes)] = bytes;
        return (new Descriptor(MediaTypes.Index, DigestOf(bytes), bytes.Length), blobs);
    }

    public static string DigestOf(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    public static byte[] Compress(byte[] bytes)
    {
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(bytes);
        return compressed.ToArray();
    }

    public static byte[] Tar(params (string Name, byte[] Bytes)[] files) => Tar(tar =>
    {
        foreach (var (name, bytes) in files)
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
    });

    public static byte[] Tar(Action<TarWriter> write)
    {
        var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, TarEntryFormat.Pax, leaveOpen: true)) write(tar);
        return bytes.ToArray();
    }

    private static byte[] Tar(string name, string text) => Tar((name, Encoding.UTF8.GetBytes(text)));

    private static JsonObject Json(Descriptor d) =>
        new() { ["mediaType"] = d.MediaType, ["digest"] = d.Digest, ["size"] = d.Size };

    private static JsonObject Platformed(Descriptor manifest, string architecture, string os)
    {
        var entry = Json(manifest);
        entry["platform"] = new JsonObject { ["architecture"] = architecture, ["os"] = os };
        return entry;
    }

    private Descriptor Add(byte[] bytes, string mediaType)
    {
        Blobs[DigestOf(bytes)] = bytes;
        return new Descriptor(mediaType, DigestOf(bytes), bytes.Length);
    }
}
