using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Content;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>The result of unpacking a layer.</summary>
/// <param name="Digest">Of the plain tar: the layer's diff id.</param>
/// <param name="Size">Of the plain tar.</param>
public sealed record AppliedLayer(Digest Digest, long Size);

/// <summary>
/// Unpacks one layer. No entry can reach outside the target: the kernel resolves every name beneath the target's open directory
/// (openat2 with RESOLVE_IN_ROOT), and the last component is never followed.
/// </summary>
/// <remarks>Whiteouts: OCI image-spec, layer.md. In an overlay they become overlayfs's own marks. Linux,
/// filesystems/overlayfs.rst.</remarks>
internal sealed class LayerApplier(LayerTarget target, StorageLimits limits, CancellationToken cancel)
{
    private const string WhiteoutPrefix = ".wh.", OpaqueMark = ".wh..wh..opq", OtherMarks = ".wh..wh.";

    private readonly HashSet<string> _unpacked = new(StringComparer.Ordinal); // whiteouts apply to the layers below only
    private readonly List<(string Path, FileTime Time)> _directories = [];
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <summary>Reads the tar to its end.</summary>
    /// <exception cref="StorageException">It is not a tar, escapes the root, or is larger than the limits.</exception>
    public AppliedLayer Apply(Stream tar)
    {
        using var measured = new MeasuredStream(tar, limits.LayerSize);
        var reader = new TarReader(measured);
        for (long entries = 0; reader.Next(cancel) is { } entry; entries++)
        {
            if (entries >= limits.LayerEntries)
                throw new StorageException(
                    StorageFault.ResourceExhausted,
                    $"the layer has more than {limits.LayerEntries} entries (supervisor.storage.layer-entries)");
            if (entry.Size > limits.LayerSize)
                throw new StorageException(
                    StorageFault.ResourceExhausted,
                    $"\"{RawName.ToText(entry.Name)}\" claims {entry.Size} bytes, the most is {limits.LayerSize} "
                        + "(supervisor.storage.layer-size)");
            try
            {
                Apply(entry, reader);
            }
            catch (Kernel.SyscallException e)
            {
                throw new IOException($"cannot unpack \"{RawName.ToText(entry.Name)}\": {e.Message}", e);
            }
        }
        // zeros up to a full record are part of the digest
        while (measured.Read(_buffer) > 0) cancel.ThrowIfCancellationRequested();
        _directories.Reverse();
        foreach (var (path, time) in _directories)
        {
            using var directory = target.TryOpenDirectory(path);
            if (directory is not null) FileCalls.ChangeTime(directory, ".", time);
        }
        return new AppliedLayer(measured.Digest, measured.Count);
    }

    private void Apply(TarEntry entry, TarReader reader)
    {
        var components = LayerPath.Split(entry.Name);
        if (components.Length == 0)
        {
            if (entry.Kind is TarKind.Directory) SetMetadata(target.Root, ".", entry, "");
            return;
        }
        var (name, path) = (components[^1], LayerPath.Join(components));
        using var parent = target.OpenParent(components.AsSpan()[..^1]);
        if (name == OpaqueMark) MakeOpaque(parent, LayerPath.Join(components.AsSpan()[..^1]));
        else if (name.StartsWith(OtherMarks, StringComparison.Ordinal)) return; // aufs's own bookkeeping
        else if (name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
            WhiteOut(parent, name[WhiteoutPrefix.Length..], path[..^name.Length]);
        else Place(entry, reader, parent, name, path);
    }

    private void Place(TarEntry entry, TarReader reader, Fd parent, string name, string path)
    {
        var hides = false;
        if (FileCalls.TryStatus(parent, name) is { } there && !(there.IsDirectory && entry.Kind is TarKind.Directory))
        {
            hides = target.IsOverlay && there.IsWhiteout;
            TreeRemoval.Remove(parent, name, cancel);
        }
        switch (entry.Kind)
        {
            case TarKind.Directory:
                FileCalls.MakeDirectory(parent, name, 0x1c0 /* 0700 */);
                if (hides) ExtendedAttributes.TrySet(parent, name, ExtendedAttributes.Opaque, "y"u8);
                break;
            case TarKind.File:
                WriteFile(entry, reader, parent, name);
                break;
            case TarKind.HardLink:
                Link(entry, parent, name);
                _unpacked.Add(path);
                return; // it shares its target's metadata
            case TarKind.Symlink:
                FileCalls.MakeSymlink(entry.LinkName, parent, name);
                break;
            default:
                FileCalls.MakeNode(parent, name, KindOf(entry.Kind), 0x180 /* 0600 */, entry.Major, entry.Minor);
                break;
        }
        _unpacked.Add(path);
        SetMetadata(parent, name, entry, path);
    }

    private void WriteFile(TarEntry entry, TarReader reader, Fd parent, string name)
    {
        using var file = FileCalls.TryOpenChild(parent, name, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, 0x180)
            ?? throw TarReader.Invalid($"\"{RawName.ToText(name)}\" in a place where no file can be");
        FileContent.Write(entry, reader, file, _buffer, cancel);
    }

    private void Link(TarEntry entry, Fd parent, string name)
    {
        var components = LayerPath.Split(entry.LinkName);
        if (components.Length == 0) throw TarReader.Invalid($"\"{RawName.ToText(entry.Name)}\", a hard link to the root");
        if (TryLink()) return;
        if (target.TryCopyUp(components, cancel) && TryLink()) return;
        throw TarReader.Invalid(
            $"\"{RawName.ToText(entry.Name)}\", a hard link to \"{RawName.ToText(entry.LinkName)}\", which does not exist");

        bool TryLink()
        {
            using var directory = target.TryOpenDirectory(LayerPath.Join(components.AsSpan()[..^1]));
            return directory is not null && FileCalls.TryLink(directory, components[^1], parent, name);
        }
    }

    private void WhiteOut(Fd parent, string name, string directory)
    {
        if (name is "" or "." or "..") throw TarReader.Invalid($"a whiteout of \"{RawName.ToText(directory + name)}\"");
        var there = FileCalls.TryStatus(parent, name);
        if (_unpacked.Contains(directory + name))
        {
            // Of this very layer: it is kept, and hides the layers below; a directory needs the opaque mark for that.
            if (target.IsOverlay && there is { IsDirectory: true })
                ExtendedAttributes.TrySet(parent, name, ExtendedAttributes.Opaque, "y"u8);
            return;
        }
        if (there is not null) TreeRemoval.Remove(parent, name, cancel);
        if (target.IsOverlay) FileCalls.MakeNode(parent, name, NodeKind.CharacterDevice, 0);
    }

    private void MakeOpaque(Fd directory, string path)
    {
        if (target.IsOverlay)
        {
            ExtendedAttributes.TrySet(directory, "", ExtendedAttributes.Opaque, "y"u8);
            return;
        }
        RemoveForeign(directory, path, 0);
    }

    private void RemoveForeign(Fd directory, string path, int depth)
    {
        if (depth > TreeCopy.MaximumDepth)
            throw new StorageException(StorageFault.ResourceExhausted, $"a tree of more than {TreeCopy.MaximumDepth} levels");
        foreach (var name in FileCalls.List(directory))
        {
            var child = path.Length == 0 ? name : $"{path}/{name}";
            if (!_unpacked.Contains(child))
            {
                TreeRemoval.Remove(directory, name, cancel);
                continue;
            }
            using var below = FileCalls.TryOpenDirectory(directory, name);
            if (below is not null) RemoveForeign(below, child, depth + 1);
        }
    }

    private void SetMetadata(Fd parent, string name, TarEntry entry, string path)
    {
        FileCalls.ChangeOwner(parent, name, entry.Uid, entry.Gid); // first: it clears set-id bits and capabilities
        if (entry.Kind is not TarKind.Symlink) FileCalls.ChangeMode(parent, name, entry.Mode);
        foreach (var (key, value) in entry.Attributes)
        {
            // trusted.* controls overlayfs (redirects, opaque marks): a layer must not set it.
            if (key.StartsWith("trusted.", StringComparison.Ordinal) || key.StartsWith("user.overlay.", StringComparison.Ordinal))
                continue;
            if (key.Length is 0 or > 255 || key.Contains('\0', StringComparison.Ordinal))
                throw TarReader.Invalid($"\"{RawName.ToText(entry.Name)}\" with an invalid attribute");
            if (entry.Kind is TarKind.Symlink or TarKind.CharacterDevice or TarKind.BlockDevice or TarKind.Fifo
                && key.StartsWith("user.", StringComparison.Ordinal))
                continue; // xattr(7): only files and directories have those
            ExtendedAttributes.TrySet(parent, name, key, value);
        }
        if (entry.Kind is TarKind.Directory) _directories.Add((path, entry.Modified)); // later entries in it change its time
        else FileCalls.ChangeTime(parent, name, entry.Modified);
    }

    private static NodeKind KindOf(TarKind kind) => kind switch
    {
        TarKind.CharacterDevice => NodeKind.CharacterDevice,
        TarKind.BlockDevice => NodeKind.BlockDevice,
        _ => NodeKind.Fifo,
    };
}
