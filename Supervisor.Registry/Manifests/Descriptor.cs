using System.Text.Json;
using Supervisor.Registry.References;

namespace Supervisor.Registry.Manifests;

/// <summary>What a manifest says of something else: its type, name and size. OCI image-spec, descriptor.md.</summary>
/// <param name="MediaType">As the manifest has it.</param>
/// <param name="Digest"><c>sha256:…</c> or <c>sha512:…</c>, checked.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Platform">Of a manifest in an index; else null.</param>
/// <param name="Annotations">Empty if there are none.</param>
public sealed record Descriptor(
    string MediaType, string Digest, long Size, Platform? Platform, IReadOnlyDictionary<string, string> Annotations)
{
    private static readonly Dictionary<string, string> None = [];

    /// <summary>Makes one without a platform and annotations.</summary>
    public Descriptor(string mediaType, string digest, long size) : this(mediaType, digest, size, null, None) { }

    /// <summary>Reads one from its JSON.</summary>
    /// <exception cref="RegistryException">A field is missing or wrong.</exception>
    internal static Descriptor Read(JsonElement json, string where)
    {
        if (json.ValueKind is not JsonValueKind.Object) throw Json.Wrong(where, "is not an object");
        var digest = Json.Text(json, "digest", where);
        if (!DigestText.IsValid(digest)) throw Json.Wrong($"{where}.digest",
            $"is not a digest: \"{Json.Short(digest)}\"");
        if (!json.TryGetProperty("size", out var size) || size.ValueKind is not JsonValueKind.Number
            || !size.TryGetInt64(out var bytes) || bytes < 0)
            throw Json.Wrong($"{where}.size", "is not a number of bytes");
        var annotations = None;
        if (json.TryGetProperty("annotations", out var notes) && notes.ValueKind is JsonValueKind.Object)
            annotations = notes.EnumerateObject().Where(n => n.Value.ValueKind is JsonValueKind.String)
                .DistinctBy(n => n.Name).ToDictionary(n => n.Name, n => n.Value.GetString()!);
        return new Descriptor(
            Json.TextOrEmpty(json, "mediaType"), digest, bytes,
            json.TryGetProperty("platform", out var platform) && platform.ValueKind is JsonValueKind.Object
                ? Manifests.Platform.Read(platform) : null,
            annotations);
    }
}
