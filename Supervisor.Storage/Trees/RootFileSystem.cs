using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Snapshots;
using static Tmds.Linux.LibC;

namespace Supervisor.Storage.Trees;

/// <summary>The root file system of a container, from the mounts that it is made of, without the container's processes.</summary>
public sealed class RootFileSystem
{
    private readonly string? _directory, _upper, _work;
    private readonly string[] _lowers = [];

    /// <param name="directory">The root itself.</param>
    public RootFileSystem(string directory, bool isReadOnly) => (_directory, IsReadOnly) = (directory, isReadOnly);

    /// <param name="mounts">In order: the last one is the root, and what is before it is only covered by it.</param>
    /// <exception cref="StorageException">They are of a kind that only a running container has.</exception>
    public RootFileSystem(IReadOnlyList<TreeMount> mounts, bool isReadOnly)
    {
        var root = mounts[^1];
        if (root.Type is not ("bind" or "overlay") || mounts.SkipLast(1).Any(m => m.Type is not "tmpfs"))
            throw new StorageException(
                StorageFault.FailedPrecondition,
                $"its root file system ({string.Join(", ", mounts.Select(m => m.Type).Take(8))}) is only there while it runs");
        if (root.Type is "bind") _directory = root.Source;
        else
        {
            (_upper, _lowers) = MountedTree.Directories(root);
            // A layer that is relative to the bundle is the empty tmpfs there: an overlay without an upper layer needs two.
            _lowers = [.. _lowers.Where(Path.IsPathRooted)];
            _work = root.Options.FirstOrDefault(o => o.StartsWith("workdir=", StringComparison.Ordinal))?["workdir=".Length..];
        }
        IsReadOnly = isReadOnly || root.Options.Contains("ro") || root.Type is "overlay" && _upper is null;
    }

    /// <summary>Whether nothing can be written.</summary>
    public bool IsReadOnly { get; }

    /// <summary>Whether there is a layer of its own above what it was made from.</summary>
    public bool HasLayer => _upper is not null;

    /// <summary>Whether it is layers, and not a directory that is written to itself.</summary>
    public bool IsLayered => _directory is null;

    /// <summary>Opens it for reading. A detached mount: it is released with the descriptor.</summary>
    public Fd Open() => _directory is not null ? MountedTree.OpenDirectory(_directory)
        : View(_upper is null ? _lowers : [_upper, .. _lowers]); // the layer disturbs no other mount of it as a lower one

    /// <summary>Opens it for writing.</summary>
    public Fd OpenForWriting()
    {
        if (IsReadOnly) throw new InvalidOperationException("it is read-only");
        if (_directory is not null) return MountedTree.OpenDirectory(_directory);
        List<(string, string)> options = [("upperdir", _upper!), ("workdir", _work ?? "")];
        if (File.Exists("/sys/module/overlay/parameters/index")) options.Add(("index", "off")); // as the snapshotter mounts it
        return MountedTree.Overlay(_lowers, options);
    }

    /// <summary>Opens what it was made from.</summary>
    public Fd OpenBelow() => View(_lowers);

    /// <summary>The disk usage of its own layer.</summary>
    public DiskUsage LayerUsage(CancellationToken cancel)
    {
        using var upper = MountedTree.OpenDirectory(_upper!);
        return DiskUsage.Of(upper, cancel);
    }

    /// <summary>The disk usage of the layers below.</summary>
    public long UsageBelow(CancellationToken cancel)
    {
        long size = 0;
        foreach (var lower in _lowers)
        {
            using var directory = MountedTree.OpenDirectory(lower);
            size += DiskUsage.Of(directory, cancel).Size;
        }
        return size;
    }

    private static Fd View(string[] layers) => layers.Length == 1 ? Clone(layers[0]) : MountedTree.Overlay(layers, []);

    /// <summary>One directory as a layer: without what is mounted in it, as overlays see it. open_tree(2), Linux 5.2.</summary>
    private static unsafe Fd Clone(string layer)
    {
        using var directory = MountedTree.OpenDirectory(layer);
        var path = stackalloc byte[1];
        var tree = (int)syscall(
            Syscall.open_tree, directory.Number, path, At.OPEN_TREE_CLONE | At.OPEN_TREE_CLOEXEC | At.EMPTY_PATH);
        if (tree < 0) throw new SyscallException("open_tree", Errno.Last, layer);
        using var mount = new Fd(tree);
        return MountedTree.RootOf(mount, layer);
    }
}
