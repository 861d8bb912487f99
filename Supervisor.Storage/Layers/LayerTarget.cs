using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>The directory that a layer is unpacked into, and its lower directories in an overlay.</summary>
/// <param name="Root">Kept open: every name is resolved beneath it.</param>
/// <param name="Parents">The lower directories of an overlay, the topmost first; null: the directory is the whole root.</param>
internal sealed record LayerTarget(Fd Root, IReadOnlyList<Fd>? Parents) : IDisposable
{
    private const ResolveFlags Inside = ResolveFlags.RESOLVE_IN_ROOT;

    /// <summary>Whether whiteouts become overlayfs's marks, rather than removals.</summary>
    public bool IsOverlay => Parents is not null;

    /// <summary>A directory beneath the root, by its path; null if there is none. Symlinks in it are resolved beneath the
    /// root.</summary>
    public Fd? TryOpenDirectory(string path) => FileCalls.TryOpen(Root, path, OpenFlags.O_DIRECTORY, Inside);

    /// <summary>The parent directory of an entry; missing parts are created with the metadata of the layers below.</summary>
    public Fd OpenParent(ReadOnlySpan<string> components)
    {
        if (TryOpenDirectory(LayerPath.Join(components)) is { } there) return there;
        var directory = TryOpenDirectory("")!;
        for (var i = 0; i < components.Length; i++)
        {
            var name = components[i];
            var path = LayerPath.Join(components[..(i + 1)]);
            Fd? next;
            using (directory)
            {
                if (FileCalls.TryStatus(directory, name) is { IsWhiteout: true } && IsOverlay)
                {
                    FileCalls.TryUnlink(directory, name, directory: false);
                    FileCalls.MakeDirectory(directory, name, 0x1ed /* 0755 */);
                    ExtendedAttributes.TrySet(directory, name, ExtendedAttributes.Opaque, "y"u8);
                }
                else if (FileCalls.MakeDirectory(directory, name, 0x1ed)) TakeAfterParents(path, directory, name);
                next = TryOpenDirectory(path);
            }
            directory = next ?? throw TarReader.Invalid($"an entry in \"{RawName.ToText(path)}\", which is not a directory");
        }
        return directory;
    }

    /// <summary>Copies a file up from the layers below, so that it can be linked to. Returns whether there is one.</summary>
    public bool TryCopyUp(ReadOnlySpan<string> components, CancellationToken cancel)
    {
        foreach (var parent in Parents ?? [])
        {
            using var from = FileCalls.TryOpen(parent, LayerPath.Join(components[..^1]), OpenFlags.O_DIRECTORY, Inside);
            if (from is null || FileCalls.TryStatus(from, components[^1]) is not { } status) continue;
            if (status.IsDirectory || status.IsWhiteout) return false;
            using var to = OpenParent(components[..^1]);
            TreeCopy.CopyNode(from, components[^1], status, to, components[^1], cancel);
            return true;
        }
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Root.Dispose();
        foreach (var parent in Parents ?? []) parent.Dispose();
    }

    private void TakeAfterParents(string path, Fd directory, string name)
    {
        foreach (var parent in Parents ?? [])
        {
            using var like = FileCalls.TryOpen(parent, path, OpenFlags.O_DIRECTORY, Inside);
            if (like is null) continue;
            TreeCopy.CopyMetadata(like, "", FileCalls.Status(like), directory, name);
            return;
        }
    }
}
