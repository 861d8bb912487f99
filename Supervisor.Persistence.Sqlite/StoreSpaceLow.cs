namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// Published on the actor system's event stream when the space that is reserved for a database (<c>reserve</c>) can no longer be
/// allocated, and again when it can: until then what is written uses up the reserve.
/// </summary>
/// <param name="File">The database.</param>
/// <param name="IsLow">False when the reserve is whole again.</param>
public sealed record StoreSpaceLow(string File, bool IsLow);
