namespace Supervisor.Actors.Images;

/// <summary>A reference was released: collect shortly. Not answered.</summary>
public sealed record CollectSoon;

/// <summary>Collect, and reply with <see cref="Collected"/> when the garbage is removed from disk.</summary>
public sealed record CollectNow;

/// <summary>A collection that started after the request has finished.</summary>
/// <param name="Failure">Why it failed; null on success.</param>
public sealed record Collected(string? Failure);
