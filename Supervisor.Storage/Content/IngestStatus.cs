namespace Supervisor.Storage.Content;

/// <summary>A blob on its way in, as far as it has come.</summary>
/// <param name="Total">Bytes it is to have; 0 where nobody said.</param>
/// <param name="Expected">The digest it is to have, or empty.</param>
public sealed record IngestStatus(
    string Ref, long Offset, long Total, string Expected, DateTimeOffset StartedAt, DateTimeOffset UpdatedAt);
