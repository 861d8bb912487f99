using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Snapshots;

/// <summary>
/// Directories of snapshots, each with a unique number. Names and parents are recorded elsewhere. All calls block: run them on
/// a <see cref="StorageWorkers"/> thread.
/// </summary>
public abstract class Snapshotter
{
    private readonly string _trash;

    /// <param name="root">Its own directory.</param>
    protected Snapshotter(string name, string root)
    {
        (Name, Root, Directories, _trash) = (name, root, Path.Join(root, "snapshots"), Path.Join(root, "trash"));
        PrivateFiles.MakeDirectory(Directories);
        PrivateFiles.MakeDirectory(_trash);
    }

    /// <summary>Its name for clients.</summary>
    public string Name { get; }

    /// <summary>Its directory.</summary>
    public string Root { get; }

    /// <summary>Why it is unusable here; null if it is usable.</summary>
    public string? Unusable { get; protected init; }

    /// <summary>Holds a directory for each snapshot.</summary>
    protected string Directories { get; }

    /// <summary>Creates the directory of a snapshot. Until it is recorded, the next start of the daemon removes it.</summary>
    /// <param name="id">Its number, never used before.</param>
    /// <param name="parent">The parent, whose contents it starts with; null: empty.</param>
    /// <param name="writable">False for a view, which needs only the directories that its mounts name.</param>
    public abstract void Make(long id, long? parent, bool writable, CancellationToken cancel);

    /// <summary>How the snapshot is mounted.</summary>
    /// <param name="chain">The numbers of its parents, nearest first.</param>
    public abstract IReadOnlyList<TreeMount> Mounts(long id, IReadOnlyList<long> chain, bool writable);

    /// <summary>The disk usage of its own directory.</summary>
    public DiskUsage Usage(long id, CancellationToken cancel)
    {
        using var directory = Fd.TryOpen(Tree(id), OpenFlags.O_DIRECTORY);
        return directory is null ? default : DiskUsage.Of(directory, cancel);
    }

    /// <summary>Its own tree.</summary>
    protected abstract string Tree(long id);

    /// <summary>
    /// Removes a snapshot's directory: moves it to the trash, then removes it from disk. A missing one is not an error.
    /// </summary>
    public void Remove(long id, CancellationToken cancel)
    {
        var name = $"{id}";
        try { Directory.Move(Path.Join(Directories, name), Path.Join(_trash, name)); }
        catch (DirectoryNotFoundException) { }
        using var trash = Fd.Open(_trash, OpenFlags.O_DIRECTORY);
        TreeRemoval.Remove(trash, name, cancel);
    }

    /// <summary>The numbers of the existing directories.</summary>
    internal IEnumerable<long> Numbers =>
        Directory.EnumerateDirectories(Directories).Select(d => long.TryParse(Path.GetFileName(d), out var number) ? number : 0);

    /// <summary>Moves directories without a record to the trash. Only while none are being created.</summary>
    public void SetAsideAllBut(IReadOnlySet<long> recorded)
    {
        foreach (var path in Directory.EnumerateDirectories(Directories))
        {
            if (long.TryParse(Path.GetFileName(path), out var id) && recorded.Contains(id)) continue;
            Directory.Move(path, Path.Join(_trash, $"{Path.GetFileName(path)}-{Guid.NewGuid():n}"));
        }
    }

    /// <summary>Empties the trash.</summary>
    public void EmptyTrash(CancellationToken cancel)
    {
        using var trash = Fd.Open(_trash, OpenFlags.O_DIRECTORY);
        foreach (var name in FileCalls.List(trash)) TreeRemoval.Remove(trash, name, cancel);
    }
}
