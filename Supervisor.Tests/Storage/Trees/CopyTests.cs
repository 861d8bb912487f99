using System.Diagnostics;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Trees;

namespace Supervisor.Tests.Storage.Trees;

/// <summary>A tree that went through a tar is the same, and the destination is what docker's rules say.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly CopyDirectory _copy = new();

    public void Dispose() => _copy.Dispose();

    [Fact]
    public void A_copy_has_modes_owners_times_links_attributes_holes_and_special_files()
    {
        var tree = Path.Join(_copy.From, "tree");
        Directory.CreateDirectory(Path.Join(tree, "sub"));
        File.WriteAllText(Path.Join(tree, "sub/file"), "text");
        File.WriteAllText(Path.Join(tree, new string('n', 200) + "é"), "long");
        Sh($"cd {tree} && chmod 4751 sub/file && chown 12:34 sub/file && ln sub/file hard && ln -s /nowhere sym && mkfifo p "
            + "&& mknod dev c 1 3 && truncate -s 8G sparse && echo end >> sparse "
            + "&& setcap cap_net_raw+ep sub/file && touch -d 2001-02-03T04:05:06.789 sub/file && touch -d 2002-01-01 sub");
        using var sub = Fd.Open(Path.Join(tree, "sub"), OpenFlags.O_DIRECTORY);
        Assert.True(ExtendedAttributes.TrySet(sub, "file", "user.kept", "yes"u8));
        var tar = _copy.Archive("tree");
        Assert.True(tar.Length < 1 << 20, $"{tar.Length} bytes for a sparse file");
        File.WriteAllBytes(Path.Join(_copy.Place, "t.tar"), tar);
        Sh($"cd {_copy.Outside} && tar xf ../t.tar && cmp {tree}/sparse tree/sparse -n 4096 -i 8589934000 && rm -r tree");

        _copy.Extract(tar, "copy", new CopySource("tree", IsDirectory: true, IsContents: false));
        var copy = Path.Join(_copy.To, "copy");
        Assert.Equal(Listing(tree), Listing(copy));
        Assert.Equal("text", File.ReadAllText(Path.Join(copy, "hard")));
        Assert.Equal(_copy.Status(Path.Join(copy, "hard")).Inode, _copy.Status(Path.Join(copy, "sub/file")).Inode);
        Assert.True(_copy.Status(Path.Join(copy, "sparse")).Blocks < 100);
        using var copied = Fd.Open(Path.Join(copy, "sub"), OpenFlags.O_DIRECTORY);
        Assert.Equal("yes"u8, ExtendedAttributes.Get(copied, "file", "user.kept")!);
        Assert.Contains("cap_net_raw", Sh($"getcap {copy}/sub/file"), StringComparison.Ordinal);

        static string Listing(string directory) =>
            Sh($"cd {directory} && find . -printf '%P %y %m %U:%G %s %T@ %l\\n' | sort | grep -v '^ '");
    }

    [Fact]
    public void Without_a_request_for_owners_files_have_one_owner_and_no_set_id_bits_and_devices_are_refused()
    {
        var tar = new TarImage().File("f", "x", (UnixFileMode)0b100_111_101_101, uid: 12,
            attributes: ("user.kept", "yes")).Bytes();
        _copy.Extract(tar, "f", new CopySource("f", false, false), new ExtractionOptions { Owner = (77, 78) });
        var status = _copy.Status(Path.Join(_copy.To, "f"));
        Assert.Equal((0b111_101_101u, 77u, 78u), (status.Mode, status.Uid, status.Gid));
        var e = Assert.Throws<StorageException>(() =>
            _copy.Extract(new TarImage().Device("null", 1, 3).Bytes(), "/", null, new ExtractionOptions()));
        Assert.Contains("\"null\" is a device", e.Message, StringComparison.Ordinal);
        Assert.Equal(["f"], Names(_copy.To));
    }

    [Fact]
    public void Ids_are_those_of_the_containers_user_namespace()
    {
        var ids = new TreeIds([new(0, 100_000, 65_536)], [new(0, 200_000, 65_536)]);
        _copy.Extract(
            new TarImage().File("f", uid: 7).Bytes(), "/", null, new ExtractionOptions { KeepsOwners = true, Ids = ids });
        var status = _copy.Status(Path.Join(_copy.To, "f"));
        Assert.Equal((100_007u, 200_007u), (status.Uid, status.Gid));
        File.Move(Path.Join(_copy.To, "f"), Path.Join(_copy.From, "f"));
        var back = new TarReader(new MemoryStream(_copy.Archive("f", ids: ids))).Next(default)!;
        Assert.Equal((7u, 7u), (back.Uid, back.Gid));
        var e = Assert.Throws<StorageException>(() => _copy.Extract(new TarImage().File("g", uid: 70_000).Bytes(), "/", null,
            new ExtractionOptions { KeepsOwners = true, Ids = ids }));
        Assert.Contains("uid 70000", e.Message, StringComparison.Ordinal);
        Assert.Empty(Names(_copy.To)); // not even under another name
    }

    // as "docker cp --help" and its reference page say
    [Theory]
    [InlineData("f", "new", "new")]
    [InlineData("f", "file", "file")]
    [InlineData("f", "dir", "dir/f")]
    [InlineData("f", "dir/", "dir/f")]
    [InlineData("f", "to-file", "file")]
    [InlineData("f", "to-dir", "dir/f")]
    [InlineData("f", "dangling", "missing")]
    [InlineData("f", "dir/../new", "new")]
    [InlineData("f", "new/", null)]
    [InlineData("f", "file/", null)]
    [InlineData("f", "none/new", null)]
    [InlineData("f", "file/new", null)]
    [InlineData("d", "new", "new/in")]
    [InlineData("d", "new/", "new/in")]
    [InlineData("d", "dir", "dir/d/in")]
    [InlineData("d", "to-dir", "dir/d/in")]
    [InlineData("d", "file", null)]
    [InlineData("d/.", "new", "new/in")]
    [InlineData("d/.", "dir", "dir/in")]
    [InlineData("d", "/", "d/in")]
    [InlineData("f", "p", null)]
    [InlineData("f", "has", null)]   // has/f is a directory
    [InlineData("d", "has-file", null)] // has-file/d is a file
    public void The_destination_becomes_what_dockers_rules_say(string source, string destination, string? made)
    {
        File.WriteAllText(Path.Join(_copy.From, "f"), "copied");
        Directory.CreateDirectory(Path.Join(_copy.From, "d"));
        File.WriteAllText(Path.Join(_copy.From, "d/in"), "copied");
        Sh($"cd {_copy.To} && mkdir -p dir has/f has-file && echo old > file && echo old > has-file/d && ln -s file to-file "
            + "&& ln -s dir to-dir && ln -s missing dangling && mkfifo p");
        var before = Find();
        var tar = _copy.Archive(source);
        var copied = new CopySource(source[..1], source[0] == 'd', source.EndsWith('.'));
        if (made is null) Assert.Throws<StorageException>(() => _copy.Extract(tar, destination, copied));
        else _copy.Extract(tar, destination, copied);
        if (made is not null) Assert.Equal("copied", File.ReadAllText(Path.Join(_copy.To, made)));
        Assert.DoesNotContain("supervisor-copy", Find(), StringComparison.Ordinal);
        if (made is null) Assert.Equal(before, Find());

        string Find() => Sh($"cd {_copy.To} && find . -printf '%P %y %s\\n' | sort");
    }

    [Fact]
    public void A_copy_that_fails_in_a_new_directory_leaves_nothing()
    {
        using var root = Fd.Open(_copy.To, OpenFlags.O_DIRECTORY);
        using var target = CopyTarget.Choose(root, "new", new CopySource("d", IsDirectory: true, IsContents: false));
        using var extraction = new TreeExtraction(target, new ExtractionOptions(), default);
        var tar = new TarImage().Directory("d").File("d/a", "1").File("d/b", new string('x', 5000)).Bytes();
        Assert.Throws<StorageException>(() => extraction.Extract(new MemoryStream(tar[..^5000])));
        target.Abandon();
        Assert.Empty(Names(_copy.To));
    }

    [Fact]
    public void Of_a_file_system_of_the_kernel_only_the_directory_is_copied()
    {
        Directory.CreateDirectory(Path.Join(_copy.From, "proc"));
        Directory.CreateDirectory(Path.Join(_copy.From, "data"));
        Sh($"mount -t proc proc {_copy.From}/proc && mount -t tmpfs none {_copy.From}/data && echo x > {_copy.From}/data/x");
        try
        {
            Assert.Equal(["./", "data/", "data/x", "proc/"], Entries(_copy.Archive("/")));
            Assert.Equal(["./", "data/", "proc/"], Entries(_copy.Archive("/", crossMounts: false)));
            var e = Assert.Throws<StorageException>(() => _copy.Archive("proc/version"));
            Assert.Contains("(proc)", e.Message, StringComparison.Ordinal);
            using var root = Fd.Open(_copy.From, OpenFlags.O_DIRECTORY);
            using var target = CopyTarget.Choose(root, "proc/sys/kernel", null);
            using var extraction = new TreeExtraction(target, new ExtractionOptions(), default);
            Assert.Contains("(proc)", Assert.Throws<StorageException>(() =>
                extraction.Extract(new MemoryStream(new TarImage().File("core_pattern", "|/x").Bytes()))).Message,
                StringComparison.Ordinal);
        }
        finally
        {
            Sh($"umount {_copy.From}/proc {_copy.From}/data");
        }
    }

    private static List<string> Entries(byte[] tar)
    {
        var reader = new TarReader(new MemoryStream(tar));
        var names = new List<string>();
        while (reader.Next(default) is { } entry) names.Add(entry.Name);
        return names;
    }

    private static IEnumerable<string?> Names(string directory) =>
        Directory.GetFileSystemEntries(directory).Select(Path.GetFileName);

    private static string Sh(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-ec", script]) {
            RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (shell.StandardOutput.ReadToEndAsync(), shell.StandardError.ReadToEndAsync());
        Assert.True(shell.WaitForExit(60_000), script);
        Assert.True(shell.ExitCode == 0, errors.Result);
        return output.Result;
    }
}
