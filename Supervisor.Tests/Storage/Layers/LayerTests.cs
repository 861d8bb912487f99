using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage;
using Supervisor.Storage.Content;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Tests.Storage.Layers;

/// <summary>
/// Layers are unpacked into directories and created from them, on the real filesystem. No entry may escape the root.
/// </summary>
public sealed class LayerTests : IDisposable
{
    private const string Tar = LayerCompression.Tar;
    private static readonly StorageLimits Limits = StorageLimits.Default with { LayerSize = 64 << 20, LayerEntries = 1000 };
    private readonly DirectoryInfo _base = Directory.CreateTempSubdirectory("supervisor-layers-");

    private string Root => Path.Join(_base.FullName, "root");

    private string Lower => Path.Join(_base.FullName, "lower");

    public LayerTests()
    {
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(Lower);
        File.WriteAllText(Path.Join(_base.FullName, "outside"), "untouched");
    }

    public void Dispose() => _base.Delete(recursive: true);

    [Fact]
    public void Every_kind_of_entry_is_unpacked()
    {
        var tar = new TarImage().Directory("d/", (UnixFileMode)0b111_000_000)
            .File("d/f", "hello", (UnixFileMode)0b100_111_101_101, 7)
            .Symlink("s", "/nowhere")
            .HardLink("h", "d/f").Fifo("p").Device("null", 1, 3).File($"{new string('n', 150)}/{new string('m', 150)}", "long")
                .Bytes();
        var applied = Apply(tar);
        Assert.Equal(Digest.Of(HashAlgorithmName.SHA256, SHA256.HashData(tar)), applied.Digest);
        Assert.Equal(tar.Length, applied.Size);
        Assert.Equal("hello", Read("d/f"));
        Assert.Equal("long", Read($"{new string('n', 150)}/{new string('m', 150)}"));
        var (d, f, h, p, n) = (Status("d"), Status("d/f"), Status("h"), Status("p"), Status("null"));
        Assert.Equal((NodeKind.Directory, 0x1c0u, new FileTime(1_000_000_000, 250_000_000)), (d.Kind, d.Mode, d.Modified));
        Assert.Equal((0x9edu, 7u, 7u, 2u), (f.Mode, f.Uid, f.Gid, f.Links));
        Assert.Equal(f.Inode, h.Inode);
        Assert.Equal("/nowhere", new FileInfo(Path.Join(Root, "s")).LinkTarget);
        Assert.Equal(NodeKind.Fifo, p.Kind);
        Assert.Equal((NodeKind.CharacterDevice, 1u, 3u), (n.Kind, n.NodeMajor, n.NodeMinor));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("/../outside")]
    public void A_name_that_escapes_the_root_is_refused(string name)
    {
        var e = Refused(new TarImage().File(name, "climbed").Bytes(), StorageFault.InvalidArgument);
        Assert.Contains("escapes the root", e.Message, StringComparison.Ordinal);
        Assert.Equal("untouched", File.ReadAllText(Path.Join(_base.FullName, "outside")));
    }

    [Fact]
    public void A_hard_link_that_escapes_the_root_is_refused() =>
        Refused(new TarImage().HardLink("h", "../outside").Bytes(), StorageFault.InvalidArgument);

    [Fact]
    public void A_symlink_of_the_layer_is_resolved_within_its_root()
    {
        Apply(new TarImage().Directory("inner").Symlink("up", "../../../..").Symlink("abs", "/inner").File("up/escaped", "1")
            .File("abs/f", "2").Bytes());
        Assert.Equal("1", Read("escaped"));
        Assert.Equal("2", Read("inner/f"));
        Assert.False(File.Exists("/escaped"));
    }

    [Fact]
    public void A_file_replaces_a_symlink_and_is_not_written_through_it()
    {
        Apply(new TarImage().Symlink("f", Path.Join(_base.FullName, "outside")).File("f", "mine").Bytes());
        Assert.Equal("mine", Read("f"));
        Assert.Equal("untouched", File.ReadAllText(Path.Join(_base.FullName, "outside")));
    }

    [Fact]
    public void A_hard_link_to_a_symlink_links_the_symlink()
    {
        Apply(new TarImage().Symlink("s", Path.Join(_base.FullName, "outside")).HardLink("h", "s").Bytes());
        Assert.Equal(NodeKind.Symlink, Status("h").Kind);
    }

    [Fact]
    public void A_header_that_claims_ten_gigabytes_is_refused_at_once_without_using_disk()
    {
        var e = Refused([.. TarImage.Header("big", 10L << 30), .. new byte[1024]], StorageFault.ResourceExhausted);
        Assert.Contains("10737418240", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Root));
    }

    [Fact]
    public void An_entry_that_is_shorter_than_its_header_claims_is_refused()
    {
        var e = Refused([.. TarImage.Header("big", 32 << 20), .. new byte[1024]], StorageFault.InvalidArgument);
        Assert.Contains("truncated", e.Message, StringComparison.Ordinal);
        Assert.True(Status("big").Blocks < 100);
    }

    [Fact]
    public void A_decompression_bomb_is_stopped_at_the_limit()
    {
        var bomb = TarImage.Gzip(
            [.. TarImage.Header("a", 40 << 20), .. new byte[40 << 20], .. TarImage.Header("b", 40 << 20), .. new byte[40 << 20]]);
        Assert.True(bomb.Length < 1 << 20);
        Refused(bomb, StorageFault.ResourceExhausted, Tar + "+gzip");
    }

    [Fact]
    public void An_endless_number_of_entries_is_refused()
    {
        var tar = new TarImage();
        for (var i = 0; i <= 1000; i++) tar.Directory($"d{i}");
        Refused(tar.Bytes(), StorageFault.ResourceExhausted);
    }

    [Theory]
    [InlineData("this is no tar at all, but it is long enough to be looked at, and then some more of it until it is 512 bytes "
        + "long")]
    public void A_file_that_is_not_a_tar_is_refused(string text) =>
        Refused(Encoding.UTF8.GetBytes(text.PadRight(1024)), StorageFault.InvalidArgument);

    [Fact]
    public void A_file_that_does_not_decompress_is_refused()
    {
        Refused([0x1f, 0x8b, 0x08, .. Enumerable.Repeat((byte)7, 2000)], StorageFault.InvalidArgument, Tar + "+gzip");
        Refused([0x28, 0xb5, 0x2f, 0xfd, .. Enumerable.Repeat((byte)7, 2000)], StorageFault.InvalidArgument, Tar + "+zstd");
        Refused([.. Enumerable.Repeat((byte)7, 2000)], StorageFault.InvalidArgument, Tar + "+zstd");
    }

    [Theory]
    [InlineData(Tar)]
    [InlineData(Tar + "+gzip")]
    [InlineData(Tar + "+zstd")]
    [InlineData("application/vnd.docker.image.rootfs.diff.tar")]
    [InlineData("application/vnd.docker.image.rootfs.diff.tar.gzip")]
    public void A_layer_is_decompressed_by_its_content_and_not_by_its_media_type(string mediaType)
    {
        using var compressor = new ZstdSharp.Compressor();
        var tar = new TarImage().File("f", mediaType).Bytes();
        foreach (var blob in (byte[][])[tar, TarImage.Gzip(tar), compressor.Wrap(tar).ToArray()])
        {
            Assert.Equal(Digest.Of(HashAlgorithmName.SHA256, SHA256.HashData(tar)), Apply(blob, mediaType).Digest);
            Assert.Equal(mediaType, Read("f"));
        }
    }

    [Fact]
    public void An_unknown_media_type_is_refused_by_name() =>
        Assert.Contains(
            "application/x-rar", Refused(new TarImage().Bytes(), StorageFault.Unimplemented, "application/x-rar").Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(Tar + "+gzip")]
    [InlineData("application/vnd.docker.image.rootfs.diff.tar.gzip")]
    public void Gzip_layers_of_both_dialects_are_unpacked(string mediaType)
    {
        var tar = new TarImage().File("f", "zipped").Bytes();
        Assert.Equal(Digest.Of(HashAlgorithmName.SHA256, SHA256.HashData(tar)), Apply(TarImage.Gzip(tar), mediaType).Digest);
        Assert.Equal("zipped", Read("f"));
    }

    [Fact]
    public void A_zstd_layer_is_unpacked()
    {
        using var compressor = new ZstdSharp.Compressor();
        Apply(compressor.Wrap(new TarImage().File("f", "zstd").Bytes()).ToArray(), Tar + "+zstd");
        Assert.Equal("zstd", Read("f"));
    }

    [Fact]
    public void User_attributes_are_unpacked_and_overlay_attributes_are_not()
    {
        Apply(new TarImage()
            .File("f", "x", attributes: [("user.note", "kept"), ("trusted.overlay.opaque", "y"),
                ("trusted.overlay.redirect", "/../..")])
            .Bytes());
        using var root = Fd.Open(Root, OpenFlags.O_DIRECTORY);
        Assert.Equal(["user.note"], ExtendedAttributes.All(root, "f").Keys);
    }

    [Fact]
    public void Capabilities_survive_as_bytes()
    {
        // VFS_CAP_REVISION_2, no text in any encoding
        byte[] capability = [1, 0, 0, 2, 0xff, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        var record = Encoding.Latin1.GetBytes("SCHILY.xattr.security.capability=");
        byte[] line = [.. Encoding.ASCII.GetBytes($"{record.Length + capability.Length + 4} "), .. record, .. capability,
            (byte)'\n'];
        byte[] tar = [
            .. TarImage.Header("pax", line.Length, (byte)'x'), .. line, .. new byte[512 - line.Length],
            .. TarImage.Header("f", 0),
            .. new byte[1024]];
        Apply(tar);
        using var root = Fd.Open(Root, OpenFlags.O_DIRECTORY);
        Assert.Equal(capability, ExtendedAttributes.Get(root, "f", "security.capability"));
    }

    [Theory]
    [InlineData("--format=gnu")]
    [InlineData("--format=pax --sparse-version=0.0")]
    [InlineData("--format=pax --sparse-version=0.1")]
    [InlineData("--format=pax --sparse-version=1.0")]
    public void A_sparse_file_of_GNU_tar_is_unpacked_with_its_holes(string format)
    {
        using (var file = File.OpenHandle(Path.Join(Lower, "sparse"), FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, "begin"u8, 0);
            RandomAccess.Write(file, "middle"u8, 5 << 20);
            RandomAccess.SetLength(file, 20 << 20);
        }
        var archive = Path.Join(_base.FullName, "t.tar");
        using (var tar = Process.Start("tar", ["-S", .. format.Split(' '), "-cf", archive, "-C", Lower, "sparse"])) Assert.True(
            tar.WaitForExit(30_000) && tar.ExitCode == 0);
        Apply(File.ReadAllBytes(archive));
        Assert.Equal(File.ReadAllBytes(Path.Join(Lower, "sparse")), File.ReadAllBytes(Path.Join(Root, "sparse")));
        Assert.True(Status("sparse").Blocks < 100);
    }

    [Fact]
    public void Whiteouts_in_a_plain_directory_remove_existing_entries_and_keep_those_of_their_own_layer()
    {
        foreach (var name in (string[])["a", "b", "d/x", "d/y"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Join(Root, name))!);
            File.WriteAllText(Path.Join(Root, name), "old");
        }
        Apply(new TarImage().File(".wh.a").File("d/new", "1").File("d/.wh..wh..opq").File(".wh.missing").Bytes());
        Assert.Equal(["b", "d"], Names(Root));
        Assert.Equal(["new"], Names(Path.Join(Root, "d")));
    }

    [Fact]
    public void Whiteouts_become_overlay_whiteouts()
    {
        Directory.CreateDirectory(Path.Join(Lower, "d"), (UnixFileMode)0b111_000_000);
        File.WriteAllText(Path.Join(Lower, "d", "below"), "old");
        Apply(new TarImage().File(".wh.gone").File("d/new").File("e/.wh..wh..opq").File(".wh.back").File("back/again", "x")
            .Bytes(), overlay: true);
        Assert.True(Status("gone").IsWhiteout);
        Assert.Equal(0x1c0u, Status("d").Mode); // as in the lower layer: d itself is not in this one
        using var root = Fd.Open(Root, OpenFlags.O_DIRECTORY);
        Assert.Equal("y"u8.ToArray(), ExtendedAttributes.Get(root, "e", ExtendedAttributes.Opaque));
        Assert.Equal("y"u8.ToArray(), ExtendedAttributes.Get(root, "back", ExtendedAttributes.Opaque));
        Assert.Null(ExtendedAttributes.Get(root, "d", ExtendedAttributes.Opaque));
    }

    [Fact]
    public void A_hard_link_to_a_file_of_a_lower_layer_copies_it_up()
    {
        File.WriteAllText(Path.Join(Lower, "f"), "below");
        Apply(new TarImage().HardLink("g", "f").Bytes(), overlay: true);
        Assert.Equal("below", Read("g"));
        Assert.Equal(Status("f").Inode, Status("g").Inode);
    }

    [Fact]
    public void A_layer_is_not_unpacked_into_a_read_only_mount()
    {
        using var blob = Blob(new TarImage().Bytes());
        var e = Assert.Throws<StorageException>(
            () => LayerWork.Apply(blob, Tar, [new TreeMount("bind", Root, ["ro", "rbind"])], false, Limits, default));
        Assert.Equal(StorageFault.InvalidArgument, e.Fault);
    }

    [Fact]
    public void A_diff_unpacked_over_the_old_tree_gives_the_new_one()
    {
        var (right, again) = (Path.Join(_base.FullName, "right"), Path.Join(_base.FullName, "again"));
        Apply(new TarImage().Directory("keep").File("keep/same", "same").File("change", "old").File("gone", "x").Directory("dir")
            .File("dir/inner", "y").Symlink("link", "a").Bytes());
        Copy(Root, right);
        Copy(Root, again);
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
        var store = new ContentStore(Path.Join(_base.FullName, "content"), Limits, new UniqueNames());
        StoredBlob blob;
        using (var ingest = store.Open("n", "diff", 0, null, DateTimeOffset.UtcNow, default))
        {
            var plain = LayerWork.Diff([Bind(Root)], [Bind(right)], Tar + "+gzip", ingest, Limits, TimeProvider.System, default);
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
        Apply(new TarImage().Directory("d").File("d/f", "x").Bytes());
        Copy(Root, Path.Join(_base.FullName, "right"));
        var store = new ContentStore(Path.Join(_base.FullName, "content"), Limits, new UniqueNames());
        using var ingest = store.Open("n", "diff", 0, null, DateTimeOffset.UtcNow, default);
        LayerWork.Diff([Bind(Root)], [Bind(Path.Join(_base.FullName, "right"))], Tar, ingest, Limits, TimeProvider.System,
            default);
        Assert.Equal(1024, ingest.Offset);
    }

    [Fact]
    public void An_overlay_is_read_without_a_visible_mount()
    {
        File.WriteAllText(Path.Join(Lower, "below"), "1");
        File.WriteAllText(Path.Join(Root, "above"), "2");
        using (var fd = Fd.Open(Root, OpenFlags.O_DIRECTORY)) FileCalls.MakeNode(fd, "gone", NodeKind.CharacterDevice, 0);
        File.WriteAllText(Path.Join(Lower, "gone"), "3");
        using var view = MountedTree.OpenView(
            [new TreeMount("overlay", "overlay", [$"upperdir={Root}", "workdir=/x", $"lowerdir={Lower}"])]);
        Assert.Equal(["above", "below"], FileCalls.List(view));
        Assert.DoesNotContain(Root, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tree_deeper_than_PATH_MAX_is_removed()
    {
        using (var root = Fd.Open(Root, OpenFlags.O_DIRECTORY))
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
        Assert.Empty(Directory.GetFileSystemEntries(Root));
    }

    private AppliedLayer Apply(byte[] bytes, string mediaType = Tar, bool overlay = false)
    {
        using var blob = Blob(bytes);
        var mount = overlay ? new TreeMount("overlay", "overlay", ["workdir=/x", $"upperdir={Root}", $"lowerdir={Lower}"])
            : Bind(Root);
        return LayerWork.Apply(blob, mediaType, [mount], sync: false, Limits, default);
    }

    private StorageException Refused(byte[] bytes, StorageFault fault, string mediaType = Tar)
    {
        var e = Assert.Throws<StorageException>(() => Apply(bytes, mediaType));
        Assert.Equal(fault, e.Fault);
        return e;
    }

    private Microsoft.Win32.SafeHandles.SafeFileHandle Blob(byte[] bytes)
    {
        var path = Path.Join(_base.FullName, "blob");
        File.WriteAllBytes(path, bytes);
        return File.OpenHandle(path);
    }

    private static TreeMount Bind(string path) => new("bind", path, ["rw", "rbind"]);

    private string Read(string name) => File.ReadAllText(Path.Join(Root, name));

    private NodeStatus Status(string name)
    {
        using var directory = Fd.Open(Path.GetDirectoryName(Path.Join(Root, name))!, OpenFlags.O_DIRECTORY);
        return FileCalls.TryStatus(directory, Path.GetFileName(name))!.Value;
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
