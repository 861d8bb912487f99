using Supervisor.Kernel.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Trees;

/// <summary>How a path differs from an earlier state of its tree.</summary>
public enum ChangeKind
{
    /// <summary>It has changed, or something in it.</summary>
    Modified,

    /// <summary>It is new.</summary>
    Added,

    /// <summary>It is gone.</summary>
    Deleted,
}

/// <summary>What differs between two states of a tree.</summary>
public static class TreeChanges
{
    /// <summary>More changes are refused.</summary>
    public const int Most = 1_000_000;

    /// <summary>Compares them.</summary>
    /// <returns>Raw absolute paths, in order; as docker's diff, a directory in which something has changed is one, too.</returns>
    /// <exception cref="StorageException">There are too many.</exception>
    public static IReadOnlyList<(ChangeKind Kind, string Path)> Between(Fd before, Fd now, CancellationToken cancel)
    {
        var changes = new SortedDictionary<string, ChangeKind>(StringComparer.Ordinal);
        new TreeComparison(cancel)
        {
            Removed = path => Add(path, ChangeKind.Deleted),
            Differs = (_, _, _, path, isNew) => Add(path, isNew ? ChangeKind.Added : ChangeKind.Modified),
        }.Walk(before, now);
        return [.. changes.Select(c => (c.Value, c.Key))];

        void Add(string path, ChangeKind kind)
        {
            if (changes.Count >= Most)
                throw new StorageException(StorageFault.ResourceExhausted, $"more than {Most} changes: export the container");
            changes["/" + path] = kind;
            for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
                if (!changes.TryAdd("/" + path[..slash], ChangeKind.Modified)) break;
        }
    }
}
