namespace Supervisor.Runtime.Probing;

/// <summary>One thing that this host can or cannot do.</summary>
/// <param name="Name">Short and fixed, e.g. <c>openat2</c>; for programs to look up.</param>
/// <param name="Present">Whether it can be used by this process as it is.</param>
/// <param name="Detail">What was found, or why not; for a person.</param>
/// <param name="UsedFor">What goes without it.</param>
public sealed record HostFeature(string Name, bool Present, string Detail, string UsedFor);
