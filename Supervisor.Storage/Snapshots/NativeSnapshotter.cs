using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Snapshots;

/// <summary>A snapshot is a copy of its parent: for filesystems that do not support overlays. Slow, and large without
/// reflinks.</summary>
public sealed class NativeSnapshotter(string root) : Snapshotter("native", root)
{
    /// <inheritdoc/>
    public override void Make(long id, long? parent, bool writable, CancellationToken cancel)
    {
        if (parent is not null && !writable) return; // a view of its parent's own directory
        // A container's root directory: 0755, whatever the umask.
        using (var snapshots = Fd.Open(Directories, OpenFlags.O_DIRECTORY))
        {
            FileCalls.MakeDirectory(snapshots, $"{id}", 0x1ed);
            FileCalls.ChangeMode(snapshots, $"{id}", 0x1ed);
        }
        if (parent is not { } below) return;
        using var from = Fd.Open(Tree(below), OpenFlags.O_DIRECTORY);
        using var to = Fd.Open(Tree(id), OpenFlags.O_DIRECTORY);
        TreeCopy.Copy(from, to, cancel);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<TreeMount> Mounts(long id, IReadOnlyList<long> chain, bool writable) =>
        [new TreeMount("bind", Tree(writable || chain.Count == 0 ? id : chain[0]), [writable ? "rw" : "ro", "rbind"])];

    /// <inheritdoc/>
    protected override string Tree(long id) => Path.Join(Directories, $"{id}");
}
