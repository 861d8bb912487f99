using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>
/// Writes the changes of a tree against another as a layer: new and changed entries, and whiteouts for removed ones.
/// </summary>
/// <remarks>Changes are detected as by containerd's walking differ: type, mode, owner, device, size, time,
/// capabilities.</remarks>
internal sealed class LayerDiffer(Fd lower, Fd upper, Stream output, CancellationToken cancel)
{
    private static readonly Dictionary<string, byte[]> NoAttributes = [];

    private readonly TarWriter _tar = new(output);
    private readonly HashSet<string> _written = new(StringComparer.Ordinal);
    private readonly Dictionary<(uint, uint, ulong), string> _linked = [];
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <summary>Writes the whole layer.</summary>
    public void Write()
    {
        Compare(lower, upper, "", 0);
        _tar.End();
    }

    private void Compare(Fd? below, Fd directory, string path, int depth)
    {
        if (depth > TreeCopy.MaximumDepth)
            throw new StorageException(StorageFault.ResourceExhausted, $"a tree of more than {TreeCopy.MaximumDepth} levels");
        var now = FileCalls.List(directory);
        var before = below is null ? [] : FileCalls.List(below);
        foreach (var gone in before.Except(now, StringComparer.Ordinal))
        {
            WriteParents(path);
            Whiteout(path + gone);
        }
        foreach (var name in now)
        {
            cancel.ThrowIfCancellationRequested();
            // sockets are not kept
            if (FileCalls.TryStatus(directory, name) is not { } status || status.Kind is NodeKind.Socket) continue;
            var old = below is null ? null : FileCalls.TryStatus(below, name);
            if (old is not { } was || !IsSame(below!, was, directory, status, name))
                WriteNode(directory, name, status, path + name);
            if (!status.IsDirectory) continue;
            using var upperChild = FileCalls.TryOpenDirectory(directory, name);
            if (upperChild is null) continue;
            using var lowerChild = old is { IsDirectory: true } ? FileCalls.TryOpenDirectory(below!, name) : null;
            Compare(lowerChild, upperChild, $"{path}{name}/", depth + 1);
        }
    }

    private bool IsSame(Fd below, NodeStatus was, Fd directory, NodeStatus now, string name)
    {
        if (was.Kind != now.Kind || was.Mode != now.Mode || was.Uid != now.Uid || was.Gid != now.Gid) return false;
        if ((was.NodeMajor, was.NodeMinor) != (now.NodeMajor, now.NodeMinor)) return false;
        if (!Attribute(below, name).AsSpan().SequenceEqual(Attribute(directory, name))) return false;
        if (now.IsDirectory) return true;
        if (now.Kind is NodeKind.Symlink) return FileCalls.ReadLink(below, name) == FileCalls.ReadLink(directory, name);
        if (was.Size != now.Size) return false;
        if (was.Modified == now.Modified) return true;
        // One of the times may have lost its fraction of a second in a tar: then the bytes decide.
        return was.Modified.Seconds == now.Modified.Seconds && (was.Modified.Nanoseconds == 0 || now.Modified.Nanoseconds == 0)
            && now.Kind is NodeKind.File && SameBytes(below, directory, name);
    }

    private static byte[] Attribute(Fd directory, string name) =>
        ExtendedAttributes.Get(directory, name, "security.capability") ?? [];

    private bool SameBytes(Fd below, Fd directory, string name)
    {
        using var a = FileCalls.TryOpenChild(below, name, OpenFlags.O_RDONLY);
        using var b = FileCalls.TryOpenChild(directory, name, OpenFlags.O_RDONLY);
        if (a is null || b is null) return false;
        var half = _buffer.Length / 2;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            var left = Fill(a, _buffer.AsSpan(0, half));
            var right = Fill(b, _buffer.AsSpan(half, half));
            if (left != right || !_buffer.AsSpan(0, left).SequenceEqual(_buffer.AsSpan(half, right))) return false;
            if (left == 0) return true;
        }
    }

    private static int Fill(Fd file, Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && file.TryRead(buffer[filled..]) is > 0 and var got) filled += got;
        return filled;
    }

    private void WriteNode(Fd directory, string name, NodeStatus status, string path)
    {
        WriteParents(path[..^name.Length]);
        var entry = Describe(directory, name, status, path);
        if (status.IsDirectory)
        {
            if (_written.Add(path + "/")) _tar.Add(entry);
            return;
        }
        if (status.Links > 1 && !_linked.TryAdd((status.DeviceMajor, status.DeviceMinor, status.Inode), path))
        {
            var first = _linked[(status.DeviceMajor, status.DeviceMinor, status.Inode)];
            _tar.Add(entry with { Kind = TarKind.HardLink, LinkName = first, Size = 0, Attributes = NoAttributes });
            return;
        }
        if (status.Kind is not NodeKind.File)
        {
            _tar.Add(entry);
            return;
        }
        using var file = FileCalls.TryOpenChild(directory, name, OpenFlags.O_RDONLY);
        if (file is null) return; // removed in the meantime
        _tar.Add(entry);
        for (var left = entry.Size; left > 0;)
        {
            cancel.ThrowIfCancellationRequested();
            var part = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, left));
            var got = Fill(file, part);
            part[got..].Clear(); // it has shrunk in the meantime: pad to the size in the header
            _tar.Write(part);
            left -= part.Length;
        }
        _tar.EndFile();
    }

    /// <summary>A layer names the parent directories of its changes, so that it can be unpacked alone.</summary>
    private void WriteParents(string path)
    {
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            if (!_written.Add(path[..(slash + 1)])) continue;
            using var directory = FileCalls.TryOpen(
                upper, path[..slash], OpenFlags.O_PATH | OpenFlags.O_DIRECTORY,
                    ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_SYMLINKS);
            if (directory is not null) _tar.Add(Describe(directory, "", FileCalls.Status(directory), path[..slash]));
        }
    }

    private void Whiteout(string path)
    {
        var slash = path.LastIndexOf('/') + 1;
        _tar.Add(new TarEntry(
            $"{path[..slash]}.wh.{path[slash..]}", TarKind.File, "", 0, 0, 0, 0, default, 0, 0, null, NoAttributes));
    }

    private static TarEntry Describe(Fd directory, string name, NodeStatus status, string path)
    {
        var kind = status.Kind switch
        {
            NodeKind.Directory => TarKind.Directory,
            NodeKind.Symlink => TarKind.Symlink,
            NodeKind.CharacterDevice => TarKind.CharacterDevice,
            NodeKind.BlockDevice => TarKind.BlockDevice,
            NodeKind.Fifo => TarKind.Fifo,
            _ => TarKind.File,
        };
        var isDevice = kind is TarKind.CharacterDevice or TarKind.BlockDevice;
        var attributes = new Dictionary<string, byte[]>();
        foreach (var (key, value) in ExtendedAttributes.All(directory, name))
            if (key is "security.capability" || key.StartsWith("user.", StringComparison.Ordinal)
                && !key.StartsWith("user.overlay.", StringComparison.Ordinal)) attributes[key] = value;
        return new TarEntry(
            kind is TarKind.Directory
                ? path + "/" : path, kind, kind is TarKind.Symlink ? FileCalls.ReadLink(directory, name) : "",
            status.Mode, status.Uid, status.Gid, kind is TarKind.File ? status.Size : 0, status.Modified,
            isDevice ? status.NodeMajor : 0, isDevice ? status.NodeMinor : 0, null, attributes);
    }
}
