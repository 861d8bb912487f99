using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Storage.Snapshots;

/// <summary>A snapshot is the upper directory of an overlay whose lower directories are its parents. Linux,
/// filesystems/overlayfs.rst.</summary>
public sealed class OverlaySnapshotter : Snapshotter
{
    private readonly bool _indexOff;

    /// <inheritdoc/>
    public OverlaySnapshotter(string root) : base("overlayfs", root)
    {
        // One container after another mounts a snapshot's directories, which "index" would refuse. containerd does the
        // same.
        _indexOff = File.Exists("/sys/module/overlay/parameters/index");
        Unusable = root.AsSpan().IndexOfAny(":,\\\"") >= 0
            ? $"\"{root}\" holds a character that overlay mounts cannot have" : Probe();
    }

    /// <inheritdoc/>
    public override void Make(long id, long? parent, bool writable, CancellationToken cancel)
    {
        var directory = Path.Join(Directories, $"{id}");
        PrivateFiles.MakeDirectory(directory);
        using var own = Fd.Open(directory, OpenFlags.O_DIRECTORY);
        FileCalls.MakeDirectory(own, "fs", 0x1ed);
        FileCalls.ChangeMode(own, "fs", 0x1ed /* 0755, whatever the umask */);
        if (writable) FileCalls.MakeDirectory(own, "work", 0x1c9 /* 0711 */);
        if (parent is not { } below) return;
        // The root of an overlay has the metadata of its upper directory: copy that of the lower one.
        using var like = Fd.Open(Tree(below), OpenFlags.O_DIRECTORY);
        TreeCopy.CopyMetadata(like, "", FileCalls.Status(like), own, "fs");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<TreeMount> Mounts(long id, IReadOnlyList<long> chain, bool writable)
    {
        if (chain.Count == 0) return [new TreeMount("bind", Tree(id), [writable ? "rw" : "ro", "rbind"])];
        if (chain.Count == 1 && !writable) return [new TreeMount("bind", Tree(chain[0]), ["ro", "rbind"])];
        List<string> options = _indexOff ? ["index=off"] : [];
        if (writable) options.AddRange([$"workdir={Path.Join(Directories, $"{id}", "work")}", $"upperdir={Tree(id)}"]);
        options.Add("lowerdir=" + string.Join(':', chain.Select(Tree)));
        return [new TreeMount("overlay", "overlay", options)];
    }

    /// <inheritdoc/>
    protected override string Tree(long id) => Path.Join(Directories, $"{id}", "fs");

    /// <summary>Tries an overlay, without attaching it.</summary>
    private string? Probe()
    {
        var probe = Path.Join(Root, $"probe-{Guid.NewGuid():n}");
        try
        {
            foreach (var directory in (string[])["lower", "upper", "work"])
                PrivateFiles.MakeDirectory(Path.Join(probe, directory));
            MountedTree.Overlay(
                [Path.Join(probe, "lower")], [("upperdir", Path.Join(probe, "upper")), ("workdir", Path.Join(probe, "work"))])
                    .Dispose();
            return null;
        }
        catch (SyscallException e)
        {
            return $"this kernel cannot mount an overlay in \"{Root}\": {e.Message}";
        }
        finally
        {
            if (Directory.Exists(probe)) Directory.Delete(probe, recursive: true);
        }
    }
}
