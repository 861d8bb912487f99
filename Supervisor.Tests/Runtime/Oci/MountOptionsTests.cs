using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

public sealed class MountOptionsTests
{
    private const ulong AtimeMask = 0x70, NoAtime = 0x10, StrictAtime = 0x20;

    [Theory]
    [InlineData("nosuid nodev noexec ro", 0xfUL, 0UL, 0xfUL)]
    [InlineData("ro rw", 0UL, 1UL, 0UL)]
    [InlineData("rw ro", 1UL, 0UL, 1UL)]
    [InlineData("noatime", NoAtime, AtimeMask, 1024UL)]
    [InlineData("noatime strictatime", StrictAtime, AtimeMask, 1UL << 24)]
    [InlineData("strictatime relatime", 0UL, AtimeMask, 1UL << 21)]
    [InlineData("noatime atime", 0UL, AtimeMask, 0UL)]
    [InlineData("nodiratime nosymfollow", 0x200080UL, 0UL, 2048UL | 256)]
    [InlineData("suid dev exec", 0UL, 0xeUL, 0UL)]
    public void Attributes_are_collected_and_later_options_win(string words, ulong set, ulong clear, ulong classic)
    {
        var options = MountOptions.Parse(words.Split(' '));
        Assert.Equal((set, clear, classic), (options.AttributesToSet, options.AttributesToClear, options.ClassicFlags));
        Assert.Empty(options.DataOptions);
    }

    [Theory]
    [InlineData("rro rnosuid", 3UL, 0UL)]
    [InlineData("rro rrw", 0UL, 1UL)]
    [InlineData("rnoatime rnodev", 0x14UL, AtimeMask)]
    [InlineData("rrelatime", 0UL, AtimeMask)]
    public void Options_with_the_prefix_r_are_recursive(string words, ulong set, ulong clear)
    {
        var options = MountOptions.Parse(words.Split(' '));
        Assert.Equal((set, clear), (options.RecursiveAttributesToSet, options.RecursiveAttributesToClear));
        Assert.Equal((0UL, 0UL, 0UL), (options.AttributesToSet, options.AttributesToClear, options.ClassicFlags));
        Assert.Empty(options.DataOptions);
    }

    [Fact]
    public void Binds_propagation_and_the_runtimes_own_options_are_distinguished()
    {
        var options = MountOptions.Parse(["rbind", "rslave", "ro", "tmpcopyup", "idmap", "defaults"]);
        Assert.True(options is { Bind: true, RecursiveBind: true, CopyUp: true, IdMap: true, ReadOnly: true, Remount: false });
        Assert.Equal(1UL << 19 | 16384, options.Propagation);
        Assert.Equal(4096UL | 16384 | 1, options.ClassicFlags);
        Assert.Empty(options.DataOptions);
        Assert.False(MountOptions.Parse(["bind"]).RecursiveBind);
        Assert.Equal(1UL << 18, MountOptions.Parse(["shared", "private"]).Propagation);
    }

    [Fact]
    public void File_system_options_are_flags_and_override_each_other()
    {
        var options = MountOptions.Parse(["sync", "dirsync", "lazytime", "async", "acl", "noacl"]);
        Assert.Equal(["dirsync", "lazytime", "noacl"], options.FilesystemFlags);
        Assert.Equal(128UL | 1 << 25, options.ClassicFlags & ~(1UL << 16));
        Assert.Empty(options.DataOptions);
    }

    [Fact]
    public void Unknown_options_are_passed_to_the_file_system_in_order()
    {
        string[] words = ["mode=755", "size=64k", "newinstance", "RO", "rsize=4096", "context=\"a:b:c0,c1\"", "mode=700"];
        var options = MountOptions.Parse(words);
        Assert.Equal(words, options.DataOptions);
        Assert.Equal(0UL, options.ClassicFlags);
    }
}
