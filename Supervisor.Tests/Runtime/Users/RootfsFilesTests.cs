using Supervisor.Cli.Stdio;
using Supervisor.Runtime.Users;

namespace Supervisor.Tests.Runtime.Users;

public sealed class RootfsFilesTests : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("rootfs-").FullName;
    private readonly RootfsFiles _files;

    public RootfsFilesTests()
    {
        Directory.CreateDirectory($"{_base}/fs/etc");
        File.WriteAllText($"{_base}/secret", "outside");
        _files = new RootfsFiles($"{_base}/fs");
    }

    public void Dispose()
    {
        _files.Dispose();
        Directory.Delete(_base, recursive: true);
    }

    [Fact]
    public void A_file_is_read_and_a_missing_one_is_null()
    {
        File.WriteAllText($"{_base}/fs/etc/passwd", "root:x:0:0");
        Assert.Equal("root:x:0:0", _files.TryRead("etc/passwd"));
        Assert.Null(_files.TryRead("etc/group"));
        Assert.Null(_files.TryRead("etc/passwd/x"));
    }

    [Theory]
    [InlineData("../../secret")]
    [InlineData("/secret")]
    public void A_link_out_of_the_rootfs_does_not_escape_it(string target)
    {
        File.CreateSymbolicLink($"{_base}/fs/etc/passwd", target);
        Assert.Null(_files.TryRead("etc/passwd"));
    }

    [Fact]
    public void A_link_inside_the_rootfs_is_followed_as_in_the_container()
    {
        Directory.CreateDirectory($"{_base}/fs/real");
        File.WriteAllText($"{_base}/fs/real/passwd", "inside");
        Directory.Delete($"{_base}/fs/etc");
        File.CreateSymbolicLink($"{_base}/fs/etc", "/real");
        Assert.Equal("inside", _files.TryRead("etc/passwd"));
    }

    [Fact]
    public void A_link_of_proc_is_not_followed()
    {
        File.CreateSymbolicLink($"{_base}/fs/etc/passwd", "/proc/self/root/etc/passwd");
        Assert.Null(_files.TryRead("etc/passwd"));
    }

    [Fact]
    public void A_fifo_is_refused_and_not_waited_for()
    {
        Fifo.Create($"{_base}/fs/etc/passwd");
        Assert.Contains("not a regular file", Assert.Throws<UnknownUserException>(() => _files.TryRead("etc/passwd")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_oversized_file_is_refused_without_reading_it_whole()
    {
        using (var file = File.Create($"{_base}/fs/etc/group")) file.SetLength(10L << 30); // sparse
        var before = GC.GetTotalAllocatedBytes();
        Assert.Contains("larger than", Assert.Throws<UnknownUserException>(() => _files.TryRead("etc/group")).Message,
            StringComparison.Ordinal);
        Assert.True(GC.GetTotalAllocatedBytes() - before < 16 << 20);
        using (var file = File.Create($"{_base}/fs/etc/passwd")) file.SetLength(RootfsFiles.LargestFile);
        Assert.Equal(RootfsFiles.LargestFile, _files.TryRead("etc/passwd")!.Length);
    }

    [Fact]
    public void A_missing_rootfs_is_named() =>
        Assert.Contains("/no/such/rootfs", Assert.Throws<UnknownUserException>(() => new RootfsFiles("/no/such/rootfs")).Message,
            StringComparison.Ordinal);
}
