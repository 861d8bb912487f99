namespace Supervisor.Actors.Images;

/// <summary>Something was let go of: collect, a moment from now. Not answered.</summary>
public sealed record CollectSoon;

/// <summary>Collect, and answer with <see cref="Collected"/> when what was found is off the disk.</summary>
public sealed record CollectNow;

/// <summary>A collection that began after it was asked for is over.</summary>
/// <param name="Failure">Why it is not; null if all went well.</param>
public sealed record Collected(string? Failure);
