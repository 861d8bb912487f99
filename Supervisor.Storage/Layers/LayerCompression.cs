using System.IO.Compression;

namespace Supervisor.Storage.Layers;

/// <summary>The media types of layers, and what they say about compression. OCI image-spec, layer.md; docker's schema 2.</summary>
public static class LayerCompression
{
    /// <summary>A layer as a plain tar.</summary>
    public const string Tar = "application/vnd.oci.image.layer.v1.tar";

    private const string NonDistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    private const string DockerTar = "application/vnd.docker.image.rootfs.diff.tar", DockerForeign = "application/vnd.docker.image.rootfs.foreign.diff.tar";

    /// <summary>Opens a layer to read its plain tar.</summary>
    /// <exception cref="StorageException">No layer has this media type.</exception>
    public static Stream Decompress(string mediaType, Stream stream) => Parse(mediaType) switch
    {
        "" => stream,
        "gzip" => new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true),
        _ => new ZstdSharp.DecompressionStream(stream, leaveOpen: true),
    };

    /// <summary>Opens a layer to be written; to be disposed before <paramref name="stream"/>.</summary>
    public static Stream Compress(string mediaType, Stream stream) => Parse(mediaType) switch
    {
        "" => stream,
        "gzip" => new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true),
        _ => new ZstdSharp.CompressionStream(stream, leaveOpen: true),
    };

    /// <summary>Whether the blob is not the plain tar itself.</summary>
    public static bool IsCompressed(string mediaType) => Parse(mediaType).Length > 0;

    // Unpacking wants no key and knows no cipher: an encrypted layer ends here too.
    private static string Parse(string mediaType) => mediaType switch
    {
        Tar or NonDistributable or DockerTar or DockerForeign => "",
        Tar + "+gzip" or NonDistributable + "+gzip" or DockerTar + ".gzip" or DockerForeign + ".gzip" => "gzip",
        Tar + "+zstd" or NonDistributable + "+zstd" or DockerTar + ".zstd" => "zstd",
        _ => throw new StorageException(
            StorageFault.Unimplemented, $"media type \"{mediaType[..Math.Min(mediaType.Length, 128)]}\" is no layer that can be unpacked: not implemented"),
    };
}
