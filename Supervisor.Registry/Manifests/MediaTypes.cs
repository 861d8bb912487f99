namespace Supervisor.Registry.Manifests;

/// <summary>Media types of manifests. OCI image-spec, media-types.md; docker's image manifest version 2, schema 2.</summary>
public static class MediaTypes
{
    /// <summary>OCI's manifest of one image.</summary>
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>OCI's list of manifests.</summary>
    public const string Index = "application/vnd.oci.image.index.v1+json";

    /// <summary>OCI's configuration of an image.</summary>
    public const string Config = "application/vnd.oci.image.config.v1+json";

    /// <summary>Docker's manifest of one image.</summary>
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>Docker's list of manifests.</summary>
    public const string DockerList = "application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>Docker's configuration of an image.</summary>
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";

    /// <summary>What a registry may answer with.</summary>
    internal static IReadOnlyList<string> Accepted { get; } = [Manifest, Index, DockerManifest, DockerList];

    /// <summary>Whether it lists manifests.</summary>
    public static bool IsIndex(string mediaType) => mediaType is Index or DockerList;

    /// <summary>Whether it is the manifest of one image.</summary>
    public static bool IsManifest(string mediaType) => mediaType is Manifest or DockerManifest;

    /// <summary>Whether registries do not keep it: Windows' base layers, that are fetched from elsewhere.</summary>
    public static bool IsForeign(string mediaType)
    {
        ArgumentNullException.ThrowIfNull(mediaType);
        return mediaType.Contains(".nondistributable.", StringComparison.Ordinal)
            || mediaType.Contains(".foreign.", StringComparison.Ordinal);
    }
}
