using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>
/// Walks a tree beside an earlier state of it, and reports what differs: in the order of the names, a directory before what is
/// in it.
/// </summary>
/// <remarks>As containerd's walking differ: type, mode, owner, device, size, time, capabilities.</remarks>
internal sealed class TreeComparison(CancellationToken cancel)
{
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <summary>A path that the earlier tree had, and the present one has not.</summary>
    public required Action<string> Removed { get; init; }

    /// <summary>A node that is new or has changed: its directory, name, status and path, and whether it is new.</summary>
    public required Action<Fd, string, NodeStatus, string, bool> Differs { get; init; }

    /// <summary>Walks both.</summary>
    /// <param name="lower">The earlier state.</param>
    public void Walk(Fd lower, Fd upper) => Walk(lower, upper, "", 0);

    private void Walk(Fd? below, Fd directory, string path, int depth)
    {
        if (depth > TreeCopy.MaximumDepth)
            throw new StorageException(StorageFault.ResourceExhausted, $"a tree of more than {TreeCopy.MaximumDepth} levels");
        var now = FileCalls.List(directory);
        var before = below is null ? [] : FileCalls.List(below);
        foreach (var gone in before.Except(now, StringComparer.Ordinal)) Removed(path + gone);
        foreach (var name in now)
        {
            cancel.ThrowIfCancellationRequested();
            // sockets are not kept
            if (FileCalls.TryStatus(directory, name) is not { } status || status.Kind is NodeKind.Socket) continue;
            var old = below is null ? null : FileCalls.TryStatus(below, name);
            if (old is not { } was || !IsSame(below!, was, directory, status, name))
                Differs(directory, name, status, path + name, old is null);
            if (!status.IsDirectory) continue;
            using var upperChild = FileCalls.TryOpenDirectory(directory, name);
            if (upperChild is null) continue;
            using var lowerChild = old is { IsDirectory: true } ? FileCalls.TryOpenDirectory(below!, name) : null;
            Walk(lowerChild, upperChild, $"{path}{name}/", depth + 1);
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
        using var a = FileCalls.TryOpenFile(below, name);
        using var b = FileCalls.TryOpenFile(directory, name);
        if (a is null || b is null) return false;
        var half = _buffer.Length / 2;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            var left = a.Fill(_buffer.AsSpan(0, half));
            var right = b.Fill(_buffer.AsSpan(half, half));
            if (left != right || !_buffer.AsSpan(0, left).SequenceEqual(_buffer.AsSpan(half, right))) return false;
            if (left == 0) return true;
        }
    }
}
