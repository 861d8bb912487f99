using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Content;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;
using static Supervisor.Tests.Storage.Layers.LayerDirectory;

namespace Supervisor.Tests.Storage.Layers;

/// <summary>Layers over others: whiteouts, differences of two trees, and overlays that are read without a mount.</summary>
public sealed class LayerDiffTests : IDisposable
{
    private const string Tar = LayerCompression.Tar;
    private readonly LayerDirectory _layer = new();

    public void Dispose() => _layer.Dispose();

    [Fact]
    public void Whiteouts_in_a_plain_directory_remove_existing_entries_and_keep_those_of_their_own_layer()
    {
        foreach (var name in (string[])["a", "b", "d/x", "d/y"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Join(_layer.Root, name))!);
            File.WriteAllText(Path.Join(_layer.Root, name), "old");
        }
        _layer.Apply(new TarImage().File(".wh.a").File("d/new", "1").File("d/.wh..wh..opq").File(".wh.missing").Bytes());
        Assert.Equal(["b", "d"], Names(_layer.Root));
        Assert.Equal(["new"], Names(Path.Join(_layer.Root, "d")));
    }

    [Fact]
    public void Whiteouts_become_overlay_whiteouts()
    {
        Directory.CreateDirectory(Path.Join(_layer.Lower, "d"), (UnixFileMode)0b111_000_000);
        File.WriteAllText(Path.Join(_layer.Lower, "d", "below"), "old");
        _layer.Apply(new TarImage().File(".wh.gone").File("d/new").File("e/.wh..wh..opq").File(".wh.back").File("back/again", "x")
            .Bytes(), overlay: true);
        Assert.True(_layer.Status("gone").IsWhiteout);
        Assert.Equal(0x1c0u, _layer.Status("d").Mode); // as in the lower layer: d itself is not in this one
        using var root = Fd.Open(_layer.Root, OpenFlags.O_DIRECTORY);
        Assert.Equal("y"u8.ToArray(), ExtendedAttributes.Get(root, "e", ExtendedAttributes.Opaque));
        Assert.Equal("y"u8.ToArray(), ExtendedAttributes.Get(root, "back", ExtendedAttributes.Opaque));
        Assert.Null(ExtendedAttributes.Get(root, "d", ExtendedAttributes.Opaque));
    }

    [Fact]
    public void A_hard_link_to_a_file_of_a_lower_layer_copies_it_up()
    {
        File.WriteAllText(Path.Join(_layer.Lower, "f"), "below");
        _layer.Apply(new TarImage().HardLink("g", "f").Bytes(), overlay: true);
        Assert.Equal("below", _layer.Read("g"));
        Assert.Equal(_layer.Status("f").Inode, _layer.Status("g").Inode);
    }

    [Fact]
    public void A_diff_unpacked_over_the_old_tree_gives_the_new_one()
    {
        var (right, again) = (Path.Join(_layer.Place, "right"), Path.Join(_layer.Place, "again"));
        _layer.Apply(new TarImage().Directory("keep").File("keep/same", "same").File("change", "old").File("gone", "x")
            .Directory("dir").File("dir/inner", "y").Symlink("link", "a").Bytes());
        Copy(_layer.Root, right);
        Copy(_layer.Root, again);
        File.WriteAllText(Path.Join(right, "change"), "new!");
        File.Delete(Path.Join(right, "gone"));
        Directory.Delete(Path.Join(right, "dir"), recursive: true);
        File.Delete(Path.Join(right, "link"));
        File.CreateSymbolicLink(Path.Join(right, "link"), "b");
        File.WriteAllText(Path.Join(right, "keep", "added"), "z");
        using (var fd = Fd.Open(Path.Join(right, "keep"), OpenFlags.O_DIRECTORY))
        {
            FileCalls.TryLink(fd, "added", fd, "twin");
            ExtendedAttributes.TrySet(fd, "added", "user.k", "v"u8);
        }
        var store = new ContentStore(Path.Join(_layer.Place, "content"), Limits, new UniqueNames());
        StoredBlob blob;
        using (var ingest = store.Open("n", "diff", 0, null, DateTimeOffset.UtcNow, default))
        {
            var plain = LayerWork.Diff(
                [Bind(_layer.Root)], [Bind(right)], Tar + "+gzip", ingest, Limits, TimeProvider.System, default);
            blob = ingest.Publish(0, null);
            Assert.NotEqual(plain, blob.Digest);
        }
        using var file = store.TryOpen(blob.File)!;
        LayerWork.Apply(file, Tar + "+gzip", [new TreeMount("bind", again, ["rw", "rbind"])], sync: true, Limits, default);
        Assert.Equal(Listing(right), Listing(again));
        Assert.Equal("new!", File.ReadAllText(Path.Join(again, "change")));
        using var kept = Fd.Open(Path.Join(again, "keep"), OpenFlags.O_DIRECTORY);
        Assert.Equal("v"u8.ToArray(), ExtendedAttributes.Get(kept, "twin", "user.k"));
        Assert.Equal(2u, FileCalls.TryStatus(kept, "added")!.Value.Links);
    }

    [Fact]
    public void Identical_trees_give_an_empty_layer()
    {
        _layer.Apply(new TarImage().Directory("d").File("d/f", "x").Bytes());
        Copy(_layer.Root, Path.Join(_layer.Place, "right"));
        var store = new ContentStore(Path.Join(_layer.Place, "content"), Limits, new UniqueNames());
        using var ingest = store.Open("n", "diff", 0, null, DateTimeOffset.UtcNow, default);
        LayerWork.Diff(
            [Bind(_layer.Root)], [Bind(Path.Join(_layer.Place, "right"))], Tar, ingest, Limits, TimeProvider.System, default);
        Assert.Equal(1024, ingest.Offset);
    }

    [Fact]
    public void An_overlay_is_read_without_a_visible_mount()
    {
        File.WriteAllText(Path.Join(_layer.Lower, "below"), "1");
        File.WriteAllText(Path.Join(_layer.Root, "above"), "2");
        using (var fd = Fd.Open(_layer.Root, OpenFlags.O_DIRECTORY)) FileCalls.MakeNode(fd, "gone", NodeKind.CharacterDevice, 0);
        File.WriteAllText(Path.Join(_layer.Lower, "gone"), "3");
        using var view = MountedTree.OpenView(
            [new TreeMount("overlay", "overlay", [$"upperdir={_layer.Root}", "workdir=/x", $"lowerdir={_layer.Lower}"])]);
        Assert.Equal(["above", "below"], FileCalls.List(view));
        Assert.DoesNotContain(_layer.Root, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tree_deeper_than_PATH_MAX_is_removed()
    {
        using (var root = Fd.Open(_layer.Root, OpenFlags.O_DIRECTORY))
        {
            var at = root.Duplicate();
            for (var i = 0; i < 3000; i++)
            {
                FileCalls.MakeDirectory(at, "deeper", 0x1ed);
                var next = FileCalls.TryOpenDirectory(at, "deeper")!;
                at.Dispose();
                at = next;
            }
            at.Dispose();
            TreeRemoval.Remove(root, "deeper");
        }
        Assert.Empty(Directory.GetFileSystemEntries(_layer.Root));
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        using var source = Fd.Open(from, OpenFlags.O_DIRECTORY);
        using var target = Fd.Open(to, OpenFlags.O_DIRECTORY);
        TreeCopy.Copy(source, target, default);
    }

    private static IEnumerable<string> Names(string directory) =>
        Directory.EnumerateFileSystemEntries(directory).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Listing(string root) =>
        Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories)
        .Select(p => $"{Path.GetRelativePath(root, p)} "
            + $"{new FileInfo(p).LinkTarget ?? (Directory.Exists(p) ? "/" : File.ReadAllText(p))}")
            .Order(StringComparer.Ordinal);
}
