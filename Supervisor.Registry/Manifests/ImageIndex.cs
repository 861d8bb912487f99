using System.Text.Json;

namespace Supervisor.Registry.Manifests;

/// <summary>A list of manifests, one for each platform. OCI image-spec, image-index.md.</summary>
/// <param name="Manifests">In the order of the document.</param>
public sealed record ImageIndex(IReadOnlyList<Descriptor> Manifests)
{
    /// <summary>As many manifests as an index may have.</summary>
    public const int MostManifests = 1000;

    private const string AttestationMark = "vnd.docker.reference.type"; // what BuildKit marks provenance and SBOMs with

    /// <summary>Reads one.</summary>
    /// <param name="json">The document.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="RegistryException">It is no index.</exception>
    public static ImageIndex Read(ReadOnlyMemory<byte> json, string name) =>
        Json.Read(json, name, root => Read(root, name));

    private static ImageIndex Read(JsonElement root, string name)
    {
        if (!root.TryGetProperty("manifests", out var list) || list.ValueKind is not JsonValueKind.Array)
            throw Json.Wrong($"{name}.manifests", "is missing");
        if (list.GetArrayLength() > MostManifests) throw Json.Wrong($"{name}.manifests", $"are more than {MostManifests}");
        return new ImageIndex([.. list.EnumerateArray().Select((m, i) => Descriptor.Read(m, $"{name}.manifests[{i}]"))]);
    }

    /// <summary>The images in it, without attestations, which run nowhere.</summary>
    public IEnumerable<Descriptor> Images => Manifests.Where(m => !m.Annotations.ContainsKey(AttestationMark)
        && m.Platform is not { Os: "unknown" });

    /// <summary>The image that runs best on a platform.</summary>
    /// <exception cref="RegistryException">FailedPrecondition: none does; the message has those that there are.</exception>
    public Descriptor Choose(Platform platform, string name)
    {
        ArgumentNullException.ThrowIfNull(platform);
        // An index without platforms is one of a single image.
        var best = Images.Select(m => (Manifest: m, Score: m.Platform is { } offered ? platform.Score(offered) : 1))
            .Where(m => m.Score > 0).OrderByDescending(m => m.Score).FirstOrDefault();
        if (best.Manifest is { } chosen) return chosen;
        var there = string.Join(", ", Images.Select(m => m.Platform).Distinct().Take(20));
        throw new RegistryException(
            RegistryFault.FailedPrecondition, $"{name} has no image for {platform}: it has {there}");
    }
}
