namespace Supervisor.Runtime.Probing;

/// <summary>A feature that this host has or lacks.</summary>
/// <param name="Name">Short and stable, e.g. <c>openat2</c>; programs look it up.</param>
/// <param name="Present">Whether this process can use it.</param>
/// <param name="Detail">What was found, or why not; for the operator.</param>
/// <param name="UsedFor">What it is used for.</param>
public sealed record HostFeature(string Name, bool Present, string Detail, string UsedFor);
