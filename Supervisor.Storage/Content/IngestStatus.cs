namespace Supervisor.Storage.Content;

/// <summary>The progress of a blob that is being written.</summary>
/// <param name="Total">The expected size in bytes; 0 if unknown.</param>
/// <param name="Expected">The expected digest, or empty.</param>
public sealed record IngestStatus(
    string Ref, long Offset, long Total, string Expected, DateTimeOffset StartedAt, DateTimeOffset UpdatedAt);
