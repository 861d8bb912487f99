using System.Collections.Immutable;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Actors.Tasks;

/// <summary>Where a process's standard streams go, in the form of containerd's clients.</summary>
/// <param name="Stdin">A FIFO's path, or empty for none.</param>
/// <param name="Stdout">A FIFO's path, <c>file:///path</c>, <c>pipe:///path</c>, <c>binary:///path?key=value</c>, a plain path,
/// or empty for none.</param>
/// <param name="Stderr">As <paramref name="Stdout"/>; unused with a terminal.</param>
/// <param name="Terminal">Give the process a pseudo-terminal; its output goes to <paramref name="Stdout"/>.</param>
public sealed record StdioPaths(string Stdin, string Stdout, string Stderr, bool Terminal)
{
    /// <inheritdoc cref="StdioTargets.ForLogBinary"/>
    public StdioTargets Of(string @namespace, string id) =>
        new StdioTargets(Stdin, Stdout, Stderr, Terminal).ForLogBinary(@namespace, id);
}

/// <summary>
/// One mount that makes up the root filesystem, put on the bundle's <c>rootfs</c> in the task's own mount namespace.
/// </summary>
public sealed record RootfsMount(string Type, string Source, string Target, ImmutableArray<string> Options);

/// <summary>What the caller asks of a new task beyond its container's record.</summary>
/// <param name="Rootfs">Mounts for the bundle's rootfs, in order; empty: the spec's <c>root.path</c>.</param>
/// <param name="Restore">A checkpoint to restore from; null for a fresh start.</param>
public sealed record TaskRequest(StdioPaths Stdio, ImmutableArray<RootfsMount> Rootfs, RestoreSource? Restore = null)
{
    /// <inheritdoc cref="TaskSetup.Trace"/>
    public string? Trace { get; init; }
}
