using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Trees;

/// <summary>
/// Writes a node, and all that is in it, as a tar. Sockets are left out, as tar(1) does; of a kernel's file system (proc, sysfs)
/// only the directory it is mounted on is written.
/// </summary>
/// <param name="crossMounts">False: of what is mounted in the tree, too, only the directory is written.</param>
public sealed class TreeArchive(Stream output, TreeIds ids, bool crossMounts, CancellationToken cancel)
{
    private readonly TarWriter _tar = new(output);
    private NodeArchiver? _nodes;

    private NodeArchiver Nodes => _nodes ??= new NodeArchiver(_tar, cancel, ids, keepHoles: true);

    /// <summary>Writes all of it, and the tar's end.</summary>
    /// <param name="contents">Of a directory: its entries are named relative to it, after its own, <c>./</c>.</param>
    /// <param name="name">Of the first entry, unless it is the contents that are written.</param>
    /// <exception cref="StorageException">There is nothing that could be written: a socket, a file of the kernel.</exception>
    public void Write(TreePlace place, bool contents, string name)
    {
        if (place.Status is not { } status) throw new InvalidOperationException("nothing is there");
        if (!status.IsDirectory)
        {
            if (status.Kind is NodeKind.Socket)
                throw new StorageException(
                    StorageFault.InvalidArgument, $"\"{RawName.ToText(place.Name)}\" is a socket, which cannot be copied");
            if (KernelFileSystems.Of(place.Parent) is { } kernel)
                throw new StorageException(
                    StorageFault.InvalidArgument,
                    $"\"{RawName.ToText(place.Name)}\" is a file of the kernel ({kernel}): \"exec CONTAINER cat FILE\" reads it");
            Nodes.Write(place.Parent, place.Name, name);
        }
        else
        {
            using var directory = place.OpenDirectory();
            Nodes.Write(directory, "", contents ? "." : name);
            WriteContents(directory, contents ? "" : name + "/", 0);
        }
        _tar.End();
    }

    private void WriteContents(Fd directory, string path, int depth)
    {
        if (depth > TreeCopy.MaximumDepth)
            throw new StorageException(StorageFault.ResourceExhausted, $"a tree of more than {TreeCopy.MaximumDepth} levels");
        if (KernelFileSystems.Of(directory) is not null) return;
        foreach (var name in FileCalls.List(directory))
        {
            cancel.ThrowIfCancellationRequested();
            Nodes.Write(directory, name, path + name);
            if (FileCalls.TryStatus(directory, name) is not { IsDirectory: true }) continue;
            using var below = crossMounts ? FileCalls.TryOpenDirectory(directory, name) : FileCalls.TryOpen(
                directory, name, OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW,
                ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_SYMLINKS | ResolveFlags.RESOLVE_NO_XDEV);
            if (below is not null) WriteContents(below, $"{path}{name}/", depth + 1);
        }
    }
}
