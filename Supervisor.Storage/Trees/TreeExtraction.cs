using System.Globalization;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Trees;

/// <summary>
/// Makes files of a tar in a tree that others may change meanwhile. The kernel resolves each directory beneath the destination,
/// a file is written under a name of its own and then renamed, so that nothing is ever opened that was there before, and a file
/// is there completely or not at all. An existing directory keeps its owner, mode and time.
/// </summary>
public sealed class TreeExtraction : IDisposable
{
    private const int PrivateMode = 0x180 /* 0600 */, NoSetId = 0x3ff /* 01777 */;

    private readonly CopyTarget _target;
    private readonly ExtractionOptions _options;
    private readonly CancellationToken _cancel;
    private readonly ResolveFlags _inside;
    private readonly List<(string Path, FileTime Time)> _directories = [];
    private readonly byte[] _buffer = new byte[256 * 1024];
    private (string Path, Fd Fd)? _parent;

    /// <param name="target">Remains the caller's.</param>
    public TreeExtraction(CopyTarget target, ExtractionOptions options, CancellationToken cancel)
    {
        (_target, _options, _cancel) = (target, options, cancel);
        _inside = options.IsRoot ? ResolveFlags.RESOLVE_IN_ROOT : ResolveFlags.RESOLVE_BENEATH;
    }

    /// <summary>A name that no file has.</summary>
    internal static string Temporary() => $".supervisor-copy-{Guid.NewGuid():n}";

    /// <summary>Reads the tar to its end.</summary>
    /// <returns>Bytes of files.</returns>
    /// <exception cref="StorageException">It is not a tar, or an entry of it cannot be placed.</exception>
    public long Extract(Stream tar)
    {
        var reader = new TarReader(tar);
        long bytes = 0;
        for (long entries = 0; reader.Next(_cancel) is { } entry; entries++)
        {
            if (entries >= _options.MostEntries)
                throw new StorageException(
                    StorageFault.ResourceExhausted, $"more than {_options.MostEntries} files (supervisor.storage.layer-entries)");
            try
            {
                Place(entry, reader);
            }
            catch (SyscallException e)
            {
                throw Explain(e, entry.Name);
            }
            bytes += entry.Kind is TarKind.File ? entry.Size : 0;
        }
        _directories.Reverse();
        foreach (var (path, time) in _directories)
        {
            using var directory = TryOpenDirectory(path);
            if (directory is not null) FileCalls.ChangeTime(directory, ".", time);
        }
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => _parent?.Fd.Dispose();

    private void Place(TarEntry entry, TarReader reader)
    {
        if (Components(entry.Name) is not { Length: > 0 } components) return; // the destination itself
        var (name, path) = (components[^1], LayerPath.Join(components));
        var parent = Parent(components.AsSpan()[..^1]);
        var there = FileCalls.TryStatus(parent, name);
        if (entry.Kind is TarKind.Directory)
        {
            Directory(entry, parent, name, path, there);
            return;
        }
        if (there is { IsDirectory: true }) throw Refused(entry.Name, "is a directory: nothing else can be copied onto it");
        if (there is { Kind: not (NodeKind.File or NodeKind.Symlink) and var kind } && kind != KindOf(entry.Kind))
            throw Refused(entry.Name, "exists, and is neither a file nor a directory");
        var temporary = Temporary();
        try
        {
            Make(entry, reader, parent, temporary);
            FileCalls.Rename(parent, temporary, parent, name);
        }
        finally
        {
            Discard(parent, temporary); // also where both are links to one file: rename(2) does nothing then
        }
    }

    private static void Discard(Fd parent, string name)
    {
        try
        {
            FileCalls.TryUnlink(parent, name, directory: false);
        }
        catch (SyscallException)
        {
            // Where it could not be made, it cannot be removed: the first reason is the one to report.
        }
    }

    private void Directory(TarEntry entry, Fd parent, string name, string path, NodeStatus? there)
    {
        if (there is { Kind: NodeKind.Symlink })
        {
            using var behind = TryOpenDirectory(path);
            if (behind is not null) return;
        }
        if (there is { IsDirectory: true }) return;
        if (there is not null) throw Refused(entry.Name, "is not a directory: a directory cannot be copied onto it");
        FileCalls.MakeDirectory(parent, name, 0x1c0 /* 0700 */);
        SetMetadata(parent, name, entry);
        _directories.Add((path, entry.Modified)); // later entries in it change its time
    }

    private void Make(TarEntry entry, TarReader reader, Fd parent, string name)
    {
        switch (entry.Kind)
        {
            case TarKind.File:
                using (var file = FileCalls.TryOpenChild(
                    parent, name, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, PrivateMode)
                    ?? throw Refused(entry.Name, "cannot be made: its directory is gone"))
                    FileContent.Write(entry, reader, file, _buffer, _cancel);
                break;
            case TarKind.HardLink:
                Link(entry, parent, name);
                return; // it shares its target's metadata
            case TarKind.Symlink:
                FileCalls.MakeSymlink(entry.LinkName, parent, name);
                break;
            case TarKind.CharacterDevice or TarKind.BlockDevice when !_options.KeepsOwners:
                throw Refused(entry.Name, "is a device: only -a copies devices");
            default:
                FileCalls.MakeNode(parent, name, KindOf(entry.Kind), PrivateMode, entry.Major, entry.Minor);
                break;
        }
        SetMetadata(parent, name, entry);
        FileCalls.ChangeTime(parent, name, entry.Modified);
    }

    private void Link(TarEntry entry, Fd parent, string name)
    {
        if (Components(entry.LinkName) is not { Length: > 0 } components) throw Missing();
        using var directory = TryOpenDirectory(LayerPath.Join(components.AsSpan()[..^1]));
        if (directory is null || !FileCalls.TryLink(directory, components[^1], parent, name)) throw Missing();

        StorageException Missing() => Refused(
            entry.Name, $"is a hard link to \"{RawName.ToText(entry.LinkName)}\", which is not in the destination");
    }

    private void SetMetadata(Fd parent, string name, TarEntry entry)
    {
        // first: it clears set-id bits and capabilities
        if (_options.KeepsOwners)
        {
            var (uid, gid) = _options.Ids.ToOutside(entry.Uid, entry.Gid);
            FileCalls.ChangeOwner(parent, name, uid, gid);
        }
        else if (_options.Owner is var (uid, gid)) FileCalls.ChangeOwner(parent, name, uid, gid);
        if (entry.Kind is not TarKind.Symlink)
            FileCalls.ChangeMode(parent, name, _options.KeepsOwners ? entry.Mode : entry.Mode & NoSetId);
        if (entry.Kind is not (TarKind.File or TarKind.Directory)) return; // xattr(7): others have no attributes of users
        foreach (var (key, value) in entry.Attributes)
        {
            if (key.Length > 255 || key.AsSpan().ContainsAny('\0', '/')) throw Refused(entry.Name, "has an invalid attribute");
            if (!key.StartsWith("user.overlay.", StringComparison.Ordinal)
                && (key.StartsWith("user.", StringComparison.Ordinal) || _options.KeepsOwners && key is "security.capability"))
                ExtendedAttributes.TrySet(parent, name, key, value);
        }
    }

    /// <summary>Of an entry's name, in the destination.</summary>
    private string[] Components(string raw)
    {
        var components = LayerPath.Split(raw);
        if (components.Length < _target.Strip) throw Refused(raw, "is not in the directory that is copied");
        return [.. _target.Prefix is { } prefix ? (string[])[prefix] : [], .. components.AsSpan()[_target.Strip..]];
    }

    /// <summary>An entry's directory, made if it is missing; valid until the next call.</summary>
    private Fd Parent(ReadOnlySpan<string> components)
    {
        var path = LayerPath.Join(components);
        if (_parent is var (at, open) && at == path) return open;
        var directory = TryOpenDirectory(path);
        for (var i = 0; directory is null && i < components.Length; i++)
        {
            var below = LayerPath.Join(components[..(i + 1)]);
            using (var next = TryOpenDirectory(below)) if (next is not null) continue;
            using var above = TryOpenDirectory(LayerPath.Join(components[..i]));
            if (above is null || !FileCalls.MakeDirectory(above, components[i], 0x1ed /* 0755 */))
                throw Refused(below, "is not a directory, or a symbolic link that leads out of the destination");
            if (_options.Owner is var (uid, gid)) FileCalls.ChangeOwner(above, components[i], uid, gid);
        }
        directory ??= TryOpenDirectory(path) ?? throw Refused(path, "changed while files were copied to it");
        _parent?.Fd.Dispose();
        _parent = (path, directory);
        return KernelFileSystems.Of(directory) is { } kernel
            ? throw Refused(path, $"is a directory of the kernel ({kernel}): only the container's own processes write there")
            : directory;
    }

    private Fd? TryOpenDirectory(string path) => FileCalls.TryOpen(_target.Directory, path, OpenFlags.O_DIRECTORY, _inside);

    private static NodeKind KindOf(TarKind kind) => kind switch
    {
        TarKind.CharacterDevice => NodeKind.CharacterDevice,
        TarKind.BlockDevice => NodeKind.BlockDevice,
        TarKind.Fifo => NodeKind.Fifo,
        TarKind.Symlink => NodeKind.Symlink,
        _ => NodeKind.File,
    };

    private static StorageException Refused(string raw, string why) =>
        new(StorageFault.InvalidArgument, $"\"{RawName.ToText(raw)}\" {why}");

    private static StorageException Explain(SyscallException e, string raw)
    {
        var (fault, why) = e.Errno switch
        {
            Errno.EROFS => (StorageFault.FailedPrecondition, "its file system is read-only"),
            Errno.ENOSPC or Errno.EDQUOT => (StorageFault.ResourceExhausted, "its file system is full: free some space there"),
            Errno.EBUSY => (StorageFault.FailedPrecondition, "something is mounted there, which cannot be replaced"),
            Errno.EACCES or Errno.EPERM => (StorageFault.FailedPrecondition, "this user may not write there"),
            Errno.EXDEV => (StorageFault.FailedPrecondition, "it is a hard link to a file on another mount"),
            _ => (StorageFault.FailedPrecondition, "the call failed"),
        };
        return new StorageException(fault, string.Create(
            CultureInfo.InvariantCulture, $"cannot write \"{RawName.ToText(raw)}\": {why} ({e.Operation}: {e.Errno})"));
    }
}
