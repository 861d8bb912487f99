namespace Supervisor.Storage;

/// <summary>Limits for clients and layers.</summary>
/// <param name="BlobSize">Bytes of one blob, compressed or not.</param>
/// <param name="LayerSize">Bytes of one decompressed layer, and of any file in it: stops a decompression bomb.</param>
/// <param name="LayerEntries">Entries of one layer.</param>
/// <param name="Ingests">Unfinished blobs of one namespace.</param>
/// <param name="Deadline">How long a small operation may take: a stat, a write of one message, a rename.</param>
/// <param name="LayerDeadline">How long unpacking, comparing or copying a whole tree may take.</param>
public sealed record StorageLimits(
    long BlobSize, long LayerSize, long LayerEntries, int Ingests, TimeSpan Deadline, TimeSpan LayerDeadline);
