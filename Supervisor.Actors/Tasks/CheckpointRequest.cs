using System.Collections.Immutable;

namespace Supervisor.Actors.Tasks;

/// <summary>How a task is to be checkpointed. criu(8) describes each option.</summary>
/// <param name="Images">Absolute directory for the images; created if it does not exist.</param>
/// <param name="Work">Absolute directory for criu's log; empty: beside the images.</param>
/// <param name="Parent">An earlier checkpoint, relative to <paramref name="Images"/>: only the differences to it are written;
/// empty for none.</param>
/// <param name="Exit">The task ends, with 137, when all is written.</param>
/// <param name="IsContent">The images become content, and the directory is removed: no event names it.</param>
public sealed record CheckpointRequest(
    string Images, string Work = "", string Parent = "", bool Exit = false, bool IsContent = false)
{
    /// <summary>Established TCP connections are kept; otherwise one of them is an error.</summary>
    public bool OpenTcp { get; init; }

    /// <summary>Unix sockets whose other end is outside are kept.</summary>
    public bool ExternalUnixSockets { get; init; }

    /// <summary>The terminal's other end is outside.</summary>
    public bool Terminal { get; init; }

    /// <summary>File locks are kept; otherwise one of them is an error.</summary>
    public bool FileLocks { get; init; }

    /// <summary>Namespaces whose contents are left out, e.g. <c>network</c>.</summary>
    public ImmutableArray<string> EmptyNamespaces { get; init; } = [];

    /// <summary>
    /// criu's --manage-cgroups mode: <c>none</c>, <c>props</c>, <c>soft</c>, <c>full</c>, <c>strict</c>, <c>ignore</c>; empty:
    /// criu's default.
    /// </summary>
    public string CgroupsMode { get; init; } = "";
}

/// <summary>The files that a task is restored from.</summary>
/// <param name="Images">Absolute directory of criu's images.</param>
/// <param name="Work">Absolute directory for criu's log; empty: beside the images.</param>
/// <param name="Owned">A directory of ours, to be removed when it is no longer needed; empty: the files are the caller's.</param>
public sealed record RestoreSource(string Images, string Work, string Owned);
