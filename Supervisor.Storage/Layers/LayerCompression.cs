using System.IO.Compression;

namespace Supervisor.Storage.Layers;

/// <summary>The media types of layers, and their compression. OCI image-spec, layer.md; docker's schema 2.</summary>
public static class LayerCompression
{
    /// <summary>A layer as a plain tar.</summary>
    public const string Tar = "application/vnd.oci.image.layer.v1.tar";

    private const string NonDistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    private const string DockerTar = "application/vnd.docker.image.rootfs.diff.tar",
        DockerForeign = "application/vnd.docker.image.rootfs.foreign.diff.tar";

    /// <summary>
    /// Opens a layer to read its plain tar. Its first bytes show the compression: clients get media types wrong, those of
    /// docker's archives most of all.
    /// </summary>
    /// <param name="stream">A seekable stream, at its start.</param>
    /// <exception cref="StorageException">This is not a layer's media type.</exception>
    public static Stream Decompress(string mediaType, Stream stream)
    {
        Parse(mediaType);
        Span<byte> first = stackalloc byte[4];
        var got = stream.ReadAtLeast(first, first.Length, throwOnEndOfStream: false);
        stream.Seek(-got, SeekOrigin.Current);
        return first[..got] switch
        {
            [0x1f, 0x8b, 0x08, ..] => new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true), // RFC 1952
            // RFC 8878: a frame, or a skippable one
            [0x28, 0xb5, 0x2f, 0xfd] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18] =>
                new ZstdSharp.DecompressionStream(stream, leaveOpen: true),
            _ => stream,
        };
    }

    /// <summary>Opens a layer for writing; dispose it before <paramref name="stream"/>.</summary>
    public static Stream Compress(string mediaType, Stream stream) => Parse(mediaType) switch
    {
        "" => stream,
        "gzip" => new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true),
        _ => new ZstdSharp.CompressionStream(stream, leaveOpen: true),
    };

    /// <summary>Whether the blob is not the plain tar itself.</summary>
    public static bool IsCompressed(string mediaType) => Parse(mediaType).Length > 0;

    // Unpacking has no keys and ciphers: encrypted layers are refused here too.
    private static string Parse(string mediaType) => mediaType switch
    {
        Tar or NonDistributable or DockerTar or DockerForeign => "",
        Tar + "+gzip" or NonDistributable + "+gzip" or DockerTar + ".gzip" or DockerForeign + ".gzip" => "gzip",
        Tar + "+zstd" or NonDistributable + "+zstd" or DockerTar + ".zstd" => "zstd",
        _ => throw new StorageException(
            StorageFault.Unimplemented,
                $"media type \"{mediaType[..Math.Min(mediaType.Length, 128)]}\" is not a layer that can be unpacked: not "
                    + "implemented"),
    };
}
