namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>An event as it is written.</summary>
/// <param name="Timestamp">Ticks, UTC.</param>
/// <param name="Tags">";one;two;", or null.</param>
/// <param name="Events">For subscribers, if it is tagged: what a reader gets, usually the object that the payload was made
/// from.</param>
internal sealed record NewRow(
    string PersistenceId, long SequenceNr, long Timestamp, string Manifest, byte[] Payload, string? Tags, int Serializer,
    IReadOnlyList<object> Events);

/// <summary>An event as it is read.</summary>
internal sealed record StoredRow(
    long Offset, long Previous, string PersistenceId, long SequenceNr, long Timestamp, string Manifest, byte[] Payload,
        int? Serializer);
