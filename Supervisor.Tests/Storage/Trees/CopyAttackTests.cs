using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Trees;

namespace Supervisor.Tests.Storage.Trees;

/// <summary>Neither a tar nor a tree, also one that changes meanwhile, makes a copy read or write elsewhere.</summary>
public sealed class CopyAttackTests : IDisposable
{
    private const int Turns = 400;
    private readonly CopyDirectory _copy = new();

    public void Dispose() => _copy.Dispose();

    public static TheoryData<string> Tars => [
        "parent", "deep parent", "absolute link", "relative link", "link chain", "hard link", "hard link by a symlink"];

    [Theory, MemberData(nameof(Tars))]
    public void A_tar_cannot_write_outside_of_the_destination(string attack)
    {
        var outside = _copy.Outside;
        var tar = attack switch
        {
            "parent" => new TarImage().File("../outside/planted"),
            "deep parent" => new TarImage().Directory("a").File("a/../../outside/planted"),
            "absolute link" => new TarImage().Symlink("l", outside).File("l/planted"),
            "relative link" => new TarImage().Symlink("l", "../outside").File("l/planted"),
            "link chain" => new TarImage().Symlink("a", "..").Symlink("b", "a/outside").File("b/planted"),
            "hard link" => new TarImage().HardLink("h", "../outside/secret").File("h", "changed"),
            _ => new TarImage().Symlink("l", outside).HardLink("h", "l/secret").File("h", "changed"),
        };
        Directory.CreateDirectory(Path.Join(_copy.To, "in"));
        Assert.Throws<StorageException>(() => _copy.Extract(tar.Bytes(), "in"));
        Assert.True(_copy.IsOutsideUntouched);
        Assert.Equal(["in"], Directory.GetFileSystemEntries(_copy.To).Select(Path.GetFileName));
    }

    [Fact]
    public void An_absolute_name_is_one_below_the_destination()
    {
        _copy.Extract(new TarImage().File("/outside/planted", "x").Bytes(), "/");
        Assert.Equal("x", File.ReadAllText(Path.Join(_copy.To, "outside/planted")));
    }

    [Fact]
    public void A_symlink_at_a_name_is_replaced_and_not_written_through()
    {
        File.CreateSymbolicLink(Path.Join(_copy.To, "l"), Path.Join(_copy.Outside, "secret"));
        _copy.Extract(new TarImage().File("l", "mine").Bytes(), "/");
        Assert.True(_copy.IsOutsideUntouched);
        Assert.Equal("mine", File.ReadAllText(Path.Join(_copy.To, "l")));
        Assert.Null(new FileInfo(Path.Join(_copy.To, "l")).LinkTarget);
    }

    [Theory]
    [InlineData("/l")]
    [InlineData("/l/secret")]
    [InlineData("../outside/secret")]
    [InlineData("/up/../../outside/secret")]
    public void A_path_never_leads_out_of_the_root(string path)
    {
        using var root = Fd.Open(_copy.From, OpenFlags.O_DIRECTORY);
        File.CreateSymbolicLink(Path.Join(_copy.From, "l"), _copy.Outside);
        Directory.CreateDirectory(Path.Join(_copy.From, "up"));
        try
        {
            using var place = TreePlace.Find(root, path, follow: true);
            Assert.Null(place.Status);
        }
        catch (StorageException e)
        {
            Assert.Equal(StorageFault.NotFound, e.Fault);
        }
    }

    [Fact]
    public async Task A_source_that_is_replaced_by_symlinks_meanwhile_shows_nothing_of_the_outside()
    {
        var (real, link) = Alternatives(_copy.From, "x");
        File.WriteAllText(Path.Join(real, "secret"), "inside");
        var seen = 0;
        await WhileFlippedAsync(Path.Join(_copy.From, "x"), real, link, () =>
        {
            foreach (var path in (string[])["/", "x/secret", "x/"])
            {
                try
                {
                    var tar = _copy.Archive(path);
                    Assert.DoesNotContain("untouched", System.Text.Encoding.Latin1.GetString(tar), StringComparison.Ordinal);
                    if (System.Text.Encoding.Latin1.GetString(tar).Contains("inside", StringComparison.Ordinal)) seen++;
                }
                catch (Exception e) when (e is StorageException or IOException or InvalidOperationException)
                {
                    // it was neither at that moment
                }
            }
        });
        Assert.True(seen > 10, $"{seen} copies had anything");
    }

    [Fact]
    public async Task A_destination_that_is_replaced_by_symlinks_meanwhile_writes_nothing_outside()
    {
        var (real, link) = Alternatives(_copy.To, "x");
        var written = 0;
        var tar = new TarImage().Directory("x").File("x/planted", "p").Directory("x/y").File("x/y/planted", "p").Bytes();
        await WhileFlippedAsync(Path.Join(_copy.To, "x"), real, link, () =>
        {
            foreach (var (path, source) in ((string, CopySource?)[])[("/", null), ("x/", null), ("x/n", new("x", true, false))])
            {
                try
                {
                    _copy.Extract(tar, path, source);
                    written++;
                }
                catch (Exception e) when (e is StorageException or IOException)
                {
                    // refused, as it was neither at that moment
                }
            }
        });
        Assert.True(written > 10, $"{written} copies were written");
        Assert.True(_copy.IsOutsideUntouched);
    }

    [Fact]
    public async Task A_fifo_in_a_source_is_never_opened()
    {
        using var root = Fd.Open(_copy.From, OpenFlags.O_DIRECTORY);
        FileCalls.MakeNode(root, "p", NodeKind.Fifo, 0x1b6);
        FileCalls.MakeNode(root, "tape", NodeKind.CharacterDevice, 0x1b6, 9, 250); // without a driver: ENXIO when it is opened
        var reading = Task.Run(() => _copy.Archive("/"));
        var reader = new TarReader(new MemoryStream(await reading.WaitAsync(TimeSpan.FromSeconds(20))));
        Assert.Equal([TarKind.Directory, TarKind.Fifo, TarKind.CharacterDevice],
            [reader.Next(default)!.Kind, reader.Next(default)!.Kind, reader.Next(default)!.Kind]);
    }

    private (string Real, string Link) Alternatives(string directory, string name)
    {
        var (real, link) = (Path.Join(directory, "real"), Path.Join(directory, "link"));
        Directory.CreateDirectory(real);
        File.CreateSymbolicLink(link, _copy.Outside);
        Directory.Move(real, Path.Join(directory, name));
        Directory.Move(Path.Join(directory, name), real);
        return (real, link);
    }

    /// <summary>Renames a directory and a symlink to the same name by turns while <paramref name="work"/> is repeated.</summary>
    private static async Task WhileFlippedAsync(string name, string real, string link, Action work)
    {
        using var over = new CancellationTokenSource();
        var flips = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                foreach (var one in (string[])[real, link])
                {
                    Native(one, name);
                    Native(name, one);
                }
            }
        });
        try
        {
            for (var turn = 0; turn < Turns; turn++) work();
        }
        finally
        {
            await over.CancelAsync();
            await flips;
        }

        static void Native(string from, string to)
        {
            using var directory = Fd.Open(Path.GetDirectoryName(from)!, OpenFlags.O_DIRECTORY);
            try { FileCalls.Rename(directory, Path.GetFileName(from), directory, Path.GetFileName(to)); }
            catch (IOException) { } // what a copy made there was in the way
        }
    }
}
