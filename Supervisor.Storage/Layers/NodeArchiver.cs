using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Storage.Layers;

/// <summary>
/// Writes nodes of a tree as entries of a tar: the second name of a file is a hard link to the first. The tree may change
/// meanwhile, and its owner may be an attacker: a node is opened as a name first, and only a regular file is opened for reading,
/// so that no FIFO blocks and no device notices it.
/// </summary>
/// <param name="ids">Which ids the entries get.</param>
/// <param name="keepHoles">Sparse files as GNU's tar writes them; else holes are zeros, which every program understands.</param>
internal sealed class NodeArchiver(TarWriter tar, CancellationToken cancel, TreeIds? ids = null, bool keepHoles = false)
{
    private const int SmallestHole = 64 * 1024, MostSegments = 100_000;
    private static readonly Dictionary<string, byte[]> NoAttributes = [];

    private readonly TreeIds _ids = ids ?? TreeIds.Unchanged;
    private readonly Dictionary<(uint, uint, ulong), string> _linked = [];
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <summary>Writes one node, without what is in a directory; nothing if it is a socket, or gone.</summary>
    /// <param name="name">Empty for the directory itself.</param>
    /// <param name="path">Its name in the tar.</param>
    public void Write(Fd directory, string name, string path)
    {
        using var node = FileCalls.TryOpenChild(directory, name, OpenFlags.O_PATH);
        if (node is null) return; // removed in the meantime
        var status = FileCalls.Status(node);
        if (status.Kind is NodeKind.Socket) return;
        var key = (status.DeviceMajor, status.DeviceMinor, status.Inode);
        if (!status.IsDirectory && status.Links > 1 && !_linked.TryAdd(key, path))
            tar.Add(Describe(directory, name, status, path) with
            {
                Kind = TarKind.HardLink, LinkName = _linked[key], Size = 0, Attributes = NoAttributes,
            });
        else if (status.Kind is NodeKind.File) WriteFile(directory, name, node, status, path);
        else tar.Add(Describe(directory, name, status, path));
    }

    private void WriteFile(Fd directory, string name, Fd node, NodeStatus status, string path)
    {
        using var file = FileCalls.Reopen(node);
        var entry = Describe(directory, name, status, path);
        if (keepHoles && status.Size - status.Blocks * 512 >= SmallestHole)
            entry = entry with { Segments = Segments(file, status.Size) };
        tar.Add(entry);
        if (entry.Segments is null) WriteBytes(file, entry.Size);
        else
            foreach (var segment in entry.Segments)
            {
                lseek(file.Number, segment.Offset, SEEK_SET);
                WriteBytes(file, segment.Length);
            }
        tar.EndFile();
    }

    private void WriteBytes(Fd file, long left)
    {
        while (left > 0)
        {
            cancel.ThrowIfCancellationRequested();
            var part = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, left));
            var got = file.Fill(part);
            part[got..].Clear(); // it has shrunk in the meantime: pad to the size in the header
            tar.Write(part);
            left -= part.Length;
        }
    }

    /// <summary>The places of its bytes; null if the file system does not know them, or they are too many.</summary>
    private static List<TarSegment>? Segments(Fd file, long size)
    {
        var segments = new List<TarSegment>();
        for (long end = 0; end < size;)
        {
            long data = lseek(file.Number, end, Native.SEEK_DATA);
            if (data < 0 && Errno.Last is not Errno.ENXIO || segments.Count >= MostSegments) return null;
            if (data < 0 || data >= size) break; // only a hole is left
            end = lseek(file.Number, data, Native.SEEK_HOLE);
            end = end < 0 ? size : Math.Min(end, size);
            segments.Add(new TarSegment(data, end - data));
        }
        segments.Add(new TarSegment(size, 0)); // as GNU's tar: the end of the last hole
        return segments;
    }

    private TarEntry Describe(Fd directory, string name, NodeStatus status, string path)
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
        var (uid, gid) = _ids.ToInside(status.Uid, status.Gid);
        return new TarEntry(
            kind is TarKind.Directory
                ? path + "/" : path, kind, kind is TarKind.Symlink ? FileCalls.ReadLink(directory, name) : "",
            status.Mode, uid, gid, kind is TarKind.File ? status.Size : 0, status.Modified,
            isDevice ? status.NodeMajor : 0, isDevice ? status.NodeMinor : 0, null, attributes);
    }
}
