using System.Text.Json;

namespace Supervisor.Registry.Manifests;

/// <summary>The manifest of one image: its configuration, and its layers from the lowest up. OCI image-spec,
/// manifest.md.</summary>
/// <param name="Config">The configuration's blob.</param>
/// <param name="Layers">The layers' blobs.</param>
public sealed record ImageManifest(Descriptor Config, IReadOnlyList<Descriptor> Layers)
{
    /// <summary>As many layers as overlayfs could ever stack.</summary>
    public const int MostLayers = 500;

    /// <summary>Reads one.</summary>
    /// <param name="json">The document.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="RegistryException">It is not the manifest of an image.</exception>
    public static ImageManifest Read(ReadOnlyMemory<byte> json, string name) =>
        Json.Read(json, name, root => Read(root, name));

    private static ImageManifest Read(JsonElement root, string name)
    {
        if (!root.TryGetProperty("config", out var config))
            throw Json.Wrong(name, root.TryGetProperty("fsLayers", out _)
                ? "is of docker's schema 1, which no registry should serve since 2022: push the image again"
                : "has no configuration: it is no manifest of an image");
        if (!root.TryGetProperty("layers", out var layers) || layers.ValueKind is not JsonValueKind.Array)
            throw Json.Wrong($"{name}.layers", "is missing");
        if (layers.GetArrayLength() > MostLayers) throw Json.Wrong($"{name}.layers", $"are more than {MostLayers}");
        return new ImageManifest(
            Descriptor.Read(config, $"{name}.config"),
            [.. layers.EnumerateArray().Select((l, i) => Descriptor.Read(l, $"{name}.layers[{i}]"))]);
    }
}
