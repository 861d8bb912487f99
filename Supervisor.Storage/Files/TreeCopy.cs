using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Storage.Files;

/// <summary>Copies trees and single files with owners, modes, attributes, times, hard links and holes.</summary>
public static class TreeCopy
{
    /// <summary>Levels of directories: no path can name deeper ones.</summary>
    public const int MaximumDepth = 2048;

    /// <summary>Copies the contents and metadata of one directory to another.</summary>
    public static void Copy(Fd from, Fd to, CancellationToken cancel) => CopyInto(from, to, new Links(to, []), "", 0, cancel);

    /// <summary>Copies one node that is not a directory.</summary>
    public static void CopyNode(
        Fd from, string name, NodeStatus status, Fd to, string newName, CancellationToken cancel = default)
    {
        switch (status.Kind)
        {
            case NodeKind.File:
                using (var source = FileCalls.TryOpenChild(from, name, OpenFlags.O_RDONLY)!)
                using (var target = FileCalls.TryOpenChild(
                    to, newName, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, 0x180 /* 0600 */)!)
                    CopyBytes(source, target, status.Size, cancel);
                break;
            case NodeKind.Symlink:
                FileCalls.MakeSymlink(FileCalls.ReadLink(from, name), to, newName);
                break;
            default:
                FileCalls.MakeNode(to, newName, status.Kind, 0x180, status.NodeMajor, status.NodeMinor);
                break;
        }
        CopyMetadata(from, name, status, to, newName);
    }

    /// <summary>Copies owner, mode, attributes and time, but not overlayfs's marks: they are only valid in the source.</summary>
    public static void CopyMetadata(Fd from, string name, NodeStatus status, Fd to, string newName)
    {
        FileCalls.ChangeOwner(to, newName.Length == 0 ? "." : newName, status.Uid, status.Gid);
        if (status.Kind is not NodeKind.Symlink) FileCalls.ChangeMode(to, newName.Length == 0 ? "." : newName, status.Mode);
        foreach (var (key, value) in ExtendedAttributes.All(from, name))
            if (!key.StartsWith("trusted.overlay.", StringComparison.Ordinal)) ExtendedAttributes.TrySet(to, newName, key, value);
        FileCalls.ChangeTime(to, newName.Length == 0 ? "." : newName, status.Modified);
    }

    private static void CopyInto(Fd from, Fd to, Links links, string path, int depth, CancellationToken cancel)
    {
        if (depth > MaximumDepth)
            throw new StorageException(StorageFault.ResourceExhausted, $"a tree of more than {MaximumDepth} levels");
        foreach (var name in FileCalls.List(from))
        {
            cancel.ThrowIfCancellationRequested();
            if (FileCalls.TryStatus(from, name) is not { } status) continue;
            if (status.IsDirectory)
            {
                FileCalls.MakeDirectory(to, name, 0x1c0 /* 0700 */);
                using var source = FileCalls.TryOpenDirectory(from, name)
                    ?? throw new StorageException(
                    StorageFault.FailedPrecondition, $"\"{RawName.ToText(name)}\" changed while it was copied");
                using var target = FileCalls.TryOpenDirectory(to, name)!;
                CopyInto(source, target, links, $"{path}{name}/", depth + 1, cancel);
            }
            else if (status.Links <= 1 || !links.TryLink(status, to, name))
            {
                CopyNode(from, name, status, to, name, cancel);
                if (status.Links > 1) links.First[Links.KeyOf(status)] = path + name;
            }
        }
        CopyMetadata(from, "", FileCalls.Status(from), to, "");
    }

    /// <summary>The first name in the copy of each file with hard links.</summary>
    private sealed record Links(Fd Root, Dictionary<(uint, uint, ulong), string> First)
    {
        public static (uint, uint, ulong) KeyOf(NodeStatus status) => (status.DeviceMajor, status.DeviceMinor, status.Inode);

        public bool TryLink(NodeStatus status, Fd to, string name)
        {
            if (!First.TryGetValue(KeyOf(status), out var path)) return false;
            var slash = path.LastIndexOf('/');
            using var directory = FileCalls.TryOpen(
                Root, slash < 0 ? "" : path[..slash], OpenFlags.O_PATH | OpenFlags.O_DIRECTORY,
                    ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_SYMLINKS);
            return directory is not null && FileCalls.TryLink(directory, path[(slash + 1)..], to, name);
        }
    }

    // copy_file_range(2) shares blocks if the filesystem can, and SEEK_DATA skips holes.
    private static unsafe void CopyBytes(Fd from, Fd to, long size, CancellationToken cancel)
    {
        long offset = 0;
        while (offset < size)
        {
            long data = lseek(from.Number, offset, Native.SEEK_DATA);
            if (data < 0) break; // ENXIO: only a hole is left
            var end = Math.Min((long)lseek(from.Number, data, Native.SEEK_HOLE), size);
            lseek(from.Number, data, SEEK_SET);
            lseek(to.Number, data, SEEK_SET);
            for (offset = data; offset < end;)
            {
                cancel.ThrowIfCancellationRequested();
                var most = (nuint)Math.Min(end - offset, 16 << 20);
                var copied = Native.copy_file_range(from.Number, null, to.Number, null, most, 0);
                if (copied < 0 && Errno.Last is Errno.EXDEV or Errno.EINVAL or Errno.EOPNOTSUPP or Errno.ENOSYS)
                    copied = ReadAndWrite(from, to, end - offset);
                if (copied < 0) throw FileCalls.Failed("copy_file_range", "");
                if (copied == 0) return; // it has shrunk in the meantime
                offset += copied;
            }
        }
        if (ftruncate(to.Number, size) != 0) throw FileCalls.Failed("ftruncate", "");
    }

    private static int ReadAndWrite(Fd from, Fd to, long left)
    {
        var buffer = new byte[Math.Min(left, 1 << 20)];
        var got = from.TryRead(buffer) ?? 0;
        to.Write(buffer.AsSpan(0, got));
        return got;
    }
}
