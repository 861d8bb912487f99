using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Trees;

/// <summary>How the entries of a tar become files.</summary>
public sealed record ExtractionOptions
{
    /// <summary>
    /// Owners, set-id bits, attributes and devices as the tar has them. Else files have <see cref="Owner"/>, no set-id bits and
    /// no attributes but the users' own, and devices are refused: a program of another user, or a device of another machine,
    /// must not get rights by being copied.
    /// </summary>
    public bool KeepsOwners { get; init; }

    /// <summary>The owner of all files, as on the disk; null: the user of this process.</summary>
    public (uint Uid, uint Gid)? Owner { get; init; }

    /// <summary>Maps the tar's ids.</summary>
    public TreeIds Ids { get; init; } = TreeIds.Unchanged;

    /// <summary>
    /// Symlinks in the tree are followed as from its root. Else they are followed as long as they stay in the destination.
    /// </summary>
    public bool IsRoot { get; init; }

    /// <summary>The most entries.</summary>
    public long MostEntries { get; init; } = long.MaxValue;
}
