namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// Published on the actor system's event stream when a database's reserve (<c>reserve</c>) can no longer be allocated, and
/// again when it can: until then writes use up the reserve.
/// </summary>
/// <param name="File">The database.</param>
/// <param name="IsLow">False when the reserve is complete again.</param>
public sealed record StoreSpaceLow(string File, bool IsLow);
