using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// The checkpoints of one container, by name: each a directory of criu's images. They are the container's own, and are removed
/// with its record, unless they were made in a directory that the user named.
/// </summary>
public sealed class ContainerCheckpoints
{
    private ContainerCheckpoints(string path) => Path = path;

    /// <summary>Below it is a directory of each one's name.</summary>
    public string Path { get; }

    /// <summary>Those that are removed with the container.</summary>
    /// <param name="root">The daemon's directory of persistent data.</param>
    public static ContainerCheckpoints Of(string root, string @namespace, string container) =>
        new(System.IO.Path.Join(root, "container-checkpoints", @namespace, container));

    /// <summary>Those in a directory of the user's.</summary>
    public static ContainerCheckpoints In(string directory) => new(System.IO.Path.GetFullPath(directory));

    /// <summary>Its directory.</summary>
    public string PathOf(string name) => System.IO.Path.Join(Path, name);

    /// <summary>Whether there is one of this name.</summary>
    public bool Has(string name) => File.Exists(Inventory(PathOf(name)));

    /// <summary>By name.</summary>
    public IReadOnlyList<string> Names() => Directory.Exists(Path)
        ? [.. Directory.GetDirectories(Path).Where(d => File.Exists(Inventory(d))).Select(d => System.IO.Path.GetFileName(d))
            .Order(StringComparer.Ordinal)]
        : [];

    /// <summary>Makes an empty directory for one, with mode 0700: images hold a process's secrets.</summary>
    /// <returns>False where there is one already.</returns>
    public bool TryMake(string name)
    {
        PrivateFiles.MakeDirectory(Path);
        if (Directory.Exists(PathOf(name)) && Directory.EnumerateFileSystemEntries(PathOf(name)).Any()) return false;
        PrivateFiles.MakeDirectory(PathOf(name));
        return true;
    }

    /// <summary>Removes one; a missing one is not an error.</summary>
    public void Remove(string name) => Delete(PathOf(name));

    /// <summary>Removes all of a container's own.</summary>
    public void RemoveAll() => Delete(Path);

    // criu writes it last, and a restore begins with it.
    private static string Inventory(string directory) => System.IO.Path.Join(directory, "inventory.img");

    private static void Delete(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }
}
