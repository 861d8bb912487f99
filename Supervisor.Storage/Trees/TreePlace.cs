using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Trees;

/// <summary>A name in an open directory of a tree, whether or not there is a node of that name.</summary>
/// <param name="Parent">Only a place to look from (O_PATH).</param>
/// <param name="Name">Raw; empty for the directory itself: the tree's root, or a path that ends with <c>..</c>.</param>
/// <param name="Status">Null if there is no such node.</param>
/// <param name="IsDirectoryPath">The path ends with <c>/</c> or <c>/.</c>: nothing but a directory may be there.</param>
/// <param name="IsContents">The path ends with <c>/.</c>, or names the root: the directory's contents are meant.</param>
public sealed record TreePlace(Fd Parent, string Name, NodeStatus? Status, bool IsDirectoryPath, bool IsContents) : IDisposable
{
    private const int MostSymlinks = 40; // as the kernel, path_resolution(7)

    /// <summary>
    /// Looks a path up. The kernel resolves each of its directories beneath the root (openat2 with RESOLVE_IN_ROOT), so that no
    /// symlink, and no rename meanwhile, leads out of it; the last name is read, and looked up again, here.
    /// </summary>
    /// <param name="path">Raw, relative to the root, with or without a leading slash.</param>
    /// <param name="follow">Follow a symlink at its end; one before a slash is always followed.</param>
    /// <exception cref="StorageException">A directory of it does not exist, or it has too many symlinks.</exception>
    public static TreePlace Find(Fd root, string path, bool follow)
    {
        if (path.Length > 4096 || path.Contains('\0', StringComparison.Ordinal))
            throw new StorageException(StorageFault.InvalidArgument, "a path of more than 4096 bytes, or with a zero in it");
        var components = Components(path);
        var isContents = components.Count == 0 || path.EndsWith("/.", StringComparison.Ordinal);
        var isDirectory = isContents || path.EndsWith('/');
        var next = path;
        for (var links = 0; links <= MostSymlinks; links++)
        {
            components = Components(next);
            if (components.Count == 0 || components[^1] == "..")
            {
                var whole = Open(root, components, path);
                return new TreePlace(whole, "", FileCalls.Status(whole), IsDirectoryPath: true, IsContents: true);
            }
            var parent = Open(root, components.GetRange(0, components.Count - 1), path);
            try
            {
                var status = FileCalls.TryStatus(parent, components[^1]);
                if (status is not { Kind: NodeKind.Symlink } || !(follow || isDirectory))
                    return new TreePlace(parent, components[^1], status, isDirectory, isContents);
                var target = FileCalls.ReadLink(parent, components[^1]);
                isDirectory |= target.EndsWith('/');
                next = target.StartsWith('/') ? target
                    : string.Join('/', components.GetRange(0, components.Count - 1).Append(target));
            }
            catch
            {
                parent.Dispose();
                throw;
            }
            parent.Dispose();
        }
        throw new StorageException(
            StorageFault.InvalidArgument, $"\"{RawName.ToText(path)}\": more than {MostSymlinks} symbolic links");
    }

    /// <summary>Opens the directory that is there, for listing.</summary>
    /// <exception cref="StorageException">It is none any more.</exception>
    public Fd OpenDirectory() => FileCalls.TryOpenDirectory(Parent, Name)
        ?? throw new StorageException(
            StorageFault.FailedPrecondition, $"\"{RawName.ToText(Name)}\" changed meanwhile: try again");

    /// <inheritdoc/>
    public void Dispose() => Parent.Dispose();

    private static List<string> Components(string path) =>
        [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(c => c != ".")];

    private static Fd Open(Fd root, List<string> components, string path) =>
        FileCalls.TryOpen(
            root, string.Join('/', components), OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, ResolveFlags.RESOLVE_IN_ROOT)
        ?? throw new StorageException(
            StorageFault.NotFound, $"\"{RawName.ToText(path)}\": a directory of this path does not exist");
}
