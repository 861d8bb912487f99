namespace Supervisor.Client;

/// <summary>What answers at the socket.</summary>
/// <param name="Version">E.g. 1.6.20; as the server formats it.</param>
/// <param name="Revision">Of its source; may be empty.</param>
public sealed record ServerVersion(string Version, string Revision);
