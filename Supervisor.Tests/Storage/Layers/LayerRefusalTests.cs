using System.Text;
using Supervisor.Storage;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Tests.Storage.Layers;

/// <summary>No entry of a layer may escape its root, and what is malformed or beyond the limits is refused.</summary>
public sealed class LayerRefusalTests : IDisposable
{
    private const string Tar = LayerCompression.Tar;
    private readonly LayerDirectory _layer = new();

    public void Dispose() => _layer.Dispose();

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("/../outside")]
    public void A_name_that_escapes_the_root_is_refused(string name)
    {
        var e = _layer.Refused(new TarImage().File(name, "climbed").Bytes(), StorageFault.InvalidArgument);
        Assert.Contains("escapes the root", e.Message, StringComparison.Ordinal);
        Assert.Equal("untouched", File.ReadAllText(Path.Join(_layer.Place, "outside")));
    }

    [Fact]
    public void A_hard_link_that_escapes_the_root_is_refused() =>
        _layer.Refused(new TarImage().HardLink("h", "../outside").Bytes(), StorageFault.InvalidArgument);

    [Fact]
    public void A_symlink_of_the_layer_is_resolved_within_its_root()
    {
        _layer.Apply(new TarImage().Directory("inner").Symlink("up", "../../../..").Symlink("abs", "/inner")
            .File("up/escaped", "1").File("abs/f", "2").Bytes());
        Assert.Equal("1", _layer.Read("escaped"));
        Assert.Equal("2", _layer.Read("inner/f"));
        Assert.False(File.Exists("/escaped"));
    }

    [Fact]
    public void A_file_replaces_a_symlink_and_is_not_written_through_it()
    {
        _layer.Apply(new TarImage().Symlink("f", Path.Join(_layer.Place, "outside")).File("f", "mine").Bytes());
        Assert.Equal("mine", _layer.Read("f"));
        Assert.Equal("untouched", File.ReadAllText(Path.Join(_layer.Place, "outside")));
    }

    [Fact]
    public void A_hard_link_to_a_symlink_links_the_symlink()
    {
        _layer.Apply(new TarImage().Symlink("s", Path.Join(_layer.Place, "outside")).HardLink("h", "s").Bytes());
        Assert.Equal(NodeKind.Symlink, _layer.Status("h").Kind);
    }

    [Fact]
    public void A_header_that_claims_ten_gigabytes_is_refused_at_once_without_using_disk()
    {
        var e = _layer.Refused([.. TarImage.Header("big", 10L << 30), .. new byte[1024]], StorageFault.ResourceExhausted);
        Assert.Contains("10737418240", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_layer.Root));
    }

    [Fact]
    public void An_entry_that_is_shorter_than_its_header_claims_is_refused()
    {
        var e = _layer.Refused([.. TarImage.Header("big", 32 << 20), .. new byte[1024]], StorageFault.InvalidArgument);
        Assert.Contains("truncated", e.Message, StringComparison.Ordinal);
        Assert.True(_layer.Status("big").Blocks < 100);
    }

    [Fact]
    public void A_decompression_bomb_is_stopped_at_the_limit()
    {
        var bomb = TarImage.Gzip(
            [.. TarImage.Header("a", 40 << 20), .. new byte[40 << 20], .. TarImage.Header("b", 40 << 20), .. new byte[40 << 20]]);
        Assert.True(bomb.Length < 1 << 20);
        _layer.Refused(bomb, StorageFault.ResourceExhausted, Tar + "+gzip");
    }

    [Fact]
    public void An_endless_number_of_entries_is_refused()
    {
        var tar = new TarImage();
        for (var i = 0; i <= 1000; i++) tar.Directory($"d{i}");
        _layer.Refused(tar.Bytes(), StorageFault.ResourceExhausted);
    }

    [Theory]
    [InlineData("this is no tar at all, but it is long enough to be looked at, and then some more of it until it is 512 bytes "
        + "long")]
    public void A_file_that_is_not_a_tar_is_refused(string text) =>
        _layer.Refused(Encoding.UTF8.GetBytes(text.PadRight(1024)), StorageFault.InvalidArgument);

    [Fact]
    public void A_file_that_does_not_decompress_is_refused()
    {
        byte[] noise = [.. Enumerable.Repeat((byte)7, 2000)];
        _layer.Refused([0x1f, 0x8b, 0x08, .. noise], StorageFault.InvalidArgument, Tar + "+gzip");
        _layer.Refused([0x28, 0xb5, 0x2f, 0xfd, .. noise], StorageFault.InvalidArgument, Tar + "+zstd");
        _layer.Refused(noise, StorageFault.InvalidArgument, Tar + "+zstd");
    }

    [Fact]
    public void An_unknown_media_type_is_refused_by_name() =>
        Assert.Contains(
            "application/x-rar", _layer.Refused(new TarImage().Bytes(), StorageFault.Unimplemented, "application/x-rar").Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_layer_is_not_unpacked_into_a_read_only_mount()
    {
        using var blob = _layer.Blob(new TarImage().Bytes());
        var mount = new TreeMount("bind", _layer.Root, ["ro", "rbind"]);
        var e = Assert.Throws<StorageException>(
            () => LayerWork.Apply(blob, Tar, [mount], false, LayerDirectory.Limits, default));
        Assert.Equal(StorageFault.InvalidArgument, e.Fault);
    }
}
