namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>An event as it is written.</summary>
/// <param name="Timestamp">Ticks, UTC.</param>
/// <param name="Tags">";one;two;", or null.</param>
/// <param name="Event">What the payload was made from, for subscribers.</param>
internal sealed record NewRow(
    string PersistenceId, long SequenceNr, long Timestamp, string Manifest, byte[] Payload, string? Tags, int Serializer, object Event);

/// <summary>An event as it is read.</summary>
internal sealed record StoredRow(
    long Offset, long Previous, string PersistenceId, long SequenceNr, long Timestamp, string Manifest, byte[] Payload, int? Serializer);
