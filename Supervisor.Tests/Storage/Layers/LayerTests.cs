using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Content;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Tests.Storage.Layers;

/// <summary>Layers are unpacked into directories of the real filesystem, with everything that an image can hold.</summary>
public sealed class LayerTests : IDisposable
{
    private const string Tar = LayerCompression.Tar;
    private readonly LayerDirectory _layer = new();

    public void Dispose() => _layer.Dispose();

    [Fact]
    public void Every_kind_of_entry_is_unpacked()
    {
        var tar = new TarImage().Directory("d/", (UnixFileMode)0b111_000_000)
            .File("d/f", "hello", (UnixFileMode)0b100_111_101_101, 7)
            .Symlink("s", "/nowhere")
            .HardLink("h", "d/f").Fifo("p").Device("null", 1, 3).File($"{new string('n', 150)}/{new string('m', 150)}", "long")
                .Bytes();
        var applied = _layer.Apply(tar);
        Assert.Equal(Digest.Of(HashAlgorithmName.SHA256, SHA256.HashData(tar)), applied.Digest);
        Assert.Equal(tar.Length, applied.Size);
        Assert.Equal("hello", _layer.Read("d/f"));
        Assert.Equal("long", _layer.Read($"{new string('n', 150)}/{new string('m', 150)}"));
        var (d, f, h) = (_layer.Status("d"), _layer.Status("d/f"), _layer.Status("h"));
        var (p, n) = (_layer.Status("p"), _layer.Status("null"));
        Assert.Equal((NodeKind.Directory, 0x1c0u, new FileTime(1_000_000_000, 250_000_000)), (d.Kind, d.Mode, d.Modified));
        Assert.Equal((0x9edu, 7u, 7u, 2u), (f.Mode, f.Uid, f.Gid, f.Links));
        Assert.Equal(f.Inode, h.Inode);
        Assert.Equal("/nowhere", new FileInfo(Path.Join(_layer.Root, "s")).LinkTarget);
        Assert.Equal(NodeKind.Fifo, p.Kind);
        Assert.Equal((NodeKind.CharacterDevice, 1u, 3u), (n.Kind, n.NodeMajor, n.NodeMinor));
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
            Assert.Equal(Digest.Of(HashAlgorithmName.SHA256, SHA256.HashData(tar)), _layer.Apply(blob, mediaType).Digest);
            Assert.Equal(mediaType, _layer.Read("f"));
        }
    }

    [Theory]
    [InlineData(Tar + "+gzip")]
    [InlineData("application/vnd.docker.image.rootfs.diff.tar.gzip")]
    public void Gzip_layers_of_both_dialects_are_unpacked(string mediaType)
    {
        var tar = new TarImage().File("f", "zipped").Bytes();
        var applied = _layer.Apply(TarImage.Gzip(tar), mediaType);
        Assert.Equal(Digest.Of(HashAlgorithmName.SHA256, SHA256.HashData(tar)), applied.Digest);
        Assert.Equal("zipped", _layer.Read("f"));
    }

    [Fact]
    public void A_zstd_layer_is_unpacked()
    {
        using var compressor = new ZstdSharp.Compressor();
        _layer.Apply(compressor.Wrap(new TarImage().File("f", "zstd").Bytes()).ToArray(), Tar + "+zstd");
        Assert.Equal("zstd", _layer.Read("f"));
    }

    [Fact]
    public void User_attributes_are_unpacked_and_overlay_attributes_are_not()
    {
        _layer.Apply(new TarImage()
            .File("f", "x", attributes: [("user.note", "kept"), ("trusted.overlay.opaque", "y"),
                ("trusted.overlay.redirect", "/../..")])
            .Bytes());
        using var root = Fd.Open(_layer.Root, OpenFlags.O_DIRECTORY);
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
        _layer.Apply(tar);
        using var root = Fd.Open(_layer.Root, OpenFlags.O_DIRECTORY);
        Assert.Equal(capability, ExtendedAttributes.Get(root, "f", "security.capability"));
    }

    [Theory]
    [InlineData("--format=gnu")]
    [InlineData("--format=pax --sparse-version=0.0")]
    [InlineData("--format=pax --sparse-version=0.1")]
    [InlineData("--format=pax --sparse-version=1.0")]
    public void A_sparse_file_of_GNU_tar_is_unpacked_with_its_holes(string format)
    {
        using (var file = File.OpenHandle(Path.Join(_layer.Lower, "sparse"), FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, "begin"u8, 0);
            RandomAccess.Write(file, "middle"u8, 5 << 20);
            RandomAccess.SetLength(file, 20 << 20);
        }
        var archive = Path.Join(_layer.Place, "t.tar");
        string[] arguments = ["-S", .. format.Split(' '), "-cf", archive, "-C", _layer.Lower, "sparse"];
        using (var tar = Process.Start("tar", arguments)) Assert.True(tar.WaitForExit(30_000) && tar.ExitCode == 0);
        _layer.Apply(File.ReadAllBytes(archive));
        Assert.Equal(File.ReadAllBytes(Path.Join(_layer.Lower, "sparse")), File.ReadAllBytes(Path.Join(_layer.Root, "sparse")));
        Assert.True(_layer.Status("sparse").Blocks < 100);
    }
}
