using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;
using static Tmds.Linux.LibC;

namespace Supervisor.Tests.Kernel.Sockets;

public sealed class UnixSocketTests : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-sockets-");

    public void Dispose() => _place.Delete(recursive: true);

    [Fact]
    public void A_path_that_is_longer_than_an_address_can_be_listened_at_and_connected_to()
    {
        var path = Path.Join(_place.CreateSubdirectory(new string('d', 120)).FullName, "s");
        Assert.Null(StreamSocket.TryConnectToOurs(path));
        using (StreamSocket.Listen(path))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            using var connected = StreamSocket.TryConnectToOurs(path);
            Assert.NotNull(connected);
            Assert.Equal(Errno.EADDRINUSE, Assert.Throws<SyscallException>(() => StreamSocket.Listen(path)).Errno);
        }
    }

    [Fact]
    public void What_cannot_be_connected_to_is_named()
    {
        var path = Path.Join(_place.FullName, "s");
        var absent = Assert.Throws<SyscallException>(() => StreamSocket.Connect(path));
        Assert.Equal((Errno.ENOENT, $"connect \"{path}\": ENOENT"), (absent.Errno, absent.Message));
        File.WriteAllText(path, "");
        Assert.Equal(Errno.ECONNREFUSED, Assert.Throws<SyscallException>(() => StreamSocket.Connect(path)).Errno);
        Assert.Null(UnixSocket.TryConnect(SOCK_STREAM, path));
        Assert.Null(UnixSocket.TryConnect(SOCK_STREAM, Path.Join(_place.FullName, new string('d', 120), "s")));
        var longest = Path.Join(_place.FullName, new string('n', 120));
        Assert.Equal(Errno.ENAMETOOLONG, Assert.Throws<SyscallException>(() => StreamSocket.Connect(longest)).Errno);
    }

    [Fact]
    public void Of_several_descriptors_where_one_is_expected_the_first_is_taken_and_the_others_are_closed()
    {
        using var sockets = StreamSocket.Pair.Create();
        using var file = Memfd.Create("sent");
        Assert.True(UnixSocket.TrySend(sockets.Theirs, "x"u8, [file.Number, file.Number, file.Number]));
        var before = Open();
        using (var received = sockets.Ours.ReceiveDescriptor(new byte[1], CancellationToken.None))
        {
            Assert.True(FileStatus.SameFile(file, received!));
            Assert.Equal(before + 1, Open());
        }
        Assert.True(UnixSocket.TrySend(sockets.Theirs, "x"u8, []));
        Assert.Null(sockets.Ours.ReceiveDescriptor(new byte[1], CancellationToken.None));

        // other tests open descriptors, too, but none of this name
        static int Open() =>
            Directory.GetFiles("/proc/self/fd").Count(f => new FileInfo(f).LinkTarget?.Contains("memfd:sent") is true);
    }
}
