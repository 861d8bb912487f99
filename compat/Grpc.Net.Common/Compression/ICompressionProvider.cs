using System.IO.Compression;

namespace Grpc.Net.Compression;

/// <summary>One message encoding, named as in the grpc-encoding header.</summary>
public interface ICompressionProvider
{
    string EncodingName { get; }

    /// <summary>A stream that compresses into <paramref name="stream"/> and leaves it open; a null level is the provider's own.</summary>
    Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel);

    /// <summary>A stream that reads what <paramref name="stream"/> has compressed and leaves it open.</summary>
    Stream CreateDecompressionStream(Stream stream);
}
