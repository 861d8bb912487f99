using Supervisor.Storage;
using Supervisor.Storage.Checkpoints;

namespace Supervisor.Tests.Storage.Checkpoints;

/// <summary>Unpacking the tar of a checkpoint.</summary>
public sealed class CheckpointArchiveTests : IDisposable
{
    private readonly string _place = Directory.CreateTempSubdirectory("supervisor-checkpoint-").FullName;

    public void Dispose() => Directory.Delete(_place, recursive: true);

    [Fact]
    public void Images_are_unpacked_as_private_files()
    {
        Unpack(new TarImage().Directory("./").File("./core-1.img", "core")
            .File("pages-1.img", "pages", (UnixFileMode)0b110_110_110));
        Assert.Equal("core", File.ReadAllText(Path.Join(_place, "images", "core-1.img")));
        Assert.Equal("pages", File.ReadAllText(Path.Join(_place, "images", "pages-1.img")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Path.Join(_place, "images", "pages-1.img")));
    }

    public static TheoryData<string> Refused =>
        ["symlink", "hard link", "device", "fifo", "directory", "deep", "climbs", "twice", "empty", "no tar"];

    [Theory]
    [MemberData(nameof(Refused))]
    public void An_entry_that_is_not_an_image_is_refused(string what)
    {
        var secret = Path.Join(_place, "secret");
        File.WriteAllText(secret, "secret");
        var tar = new TarImage();
        var image = what switch
        {
            "symlink" => tar.Symlink("pages-1.img", secret).Bytes(),
            "hard link" => tar.File("a.img").HardLink("pages-1.img", "a.img").Bytes(),
            "device" => tar.Device("pages-1.img", 1, 3).Bytes(),
            "fifo" => tar.Fifo("pages-1.img").Bytes(),
            "directory" => tar.Directory("parent").Bytes(),
            "deep" => tar.File("parent/pages-1.img").Bytes(),
            "climbs" => tar.File("../secret", "other").Bytes(),
            "twice" => tar.File("a.img").File("./a.img").Bytes(),
            "empty" => tar.Bytes(),
            _ => new byte[2048].Select((_, i) => (byte)(i * 7 + 1)).ToArray(),
        };
        var e = Assert.Throws<StorageException>(() => Unpack(image, TestLimits.Ample));
        Assert.Equal(StorageFault.InvalidArgument, e.Fault);
        Assert.Equal("secret", File.ReadAllText(secret));
    }

    [Fact]
    public void An_archive_beyond_the_limits_is_refused()
    {
        var many = new TarImage().File("a.img").File("b.img").File("c.img").Bytes();
        Assert.Equal(StorageFault.ResourceExhausted,
            Assert.Throws<StorageException>(() => Unpack(many, TestLimits.Ample with { LayerEntries = 2 })).Fault);
        Clear();
        var large = new TarImage().File("a.img", new string('x', 100_000)).Bytes();
        Assert.Equal(StorageFault.ResourceExhausted,
            Assert.Throws<StorageException>(() => Unpack(large, TestLimits.Ample with { LayerSize = 50_000 })).Fault);
    }

    [Fact]
    public void A_sweep_keeps_only_the_directories_that_tasks_still_need()
    {
        var directories = new CheckpointDirectories(Path.Join(_place, "checkpoints"));
        directories.RemoveAllBut(new HashSet<string>()); // when there is none yet
        var (kept, left) = (directories.New(), directories.New());
        File.WriteAllText(Path.Join(left.Images, "core-1.img"), "core");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(kept.Path));
        directories.RemoveAllBut(new HashSet<string> { kept.Path });
        Assert.Equal([kept.Path], Directory.EnumerateDirectories(Path.Join(_place, "checkpoints")));
        kept.Remove();
        kept.Remove();
        Assert.Empty(Directory.EnumerateDirectories(Path.Join(_place, "checkpoints")));
    }

    private void Unpack(TarImage image) => Unpack(image.Bytes(), TestLimits.Ample);

    private void Unpack(byte[] image, StorageLimits limits)
    {
        var (file, images) = (Path.Join(_place, "tar"), Path.Join(_place, "images"));
        File.WriteAllBytes(file, image);
        Directory.CreateDirectory(images);
        using var blob = File.OpenHandle(file);
        CheckpointArchive.Unpack(blob, images, limits, CancellationToken.None);
    }

    private void Clear() => Directory.Delete(Path.Join(_place, "images"), recursive: true);
}
