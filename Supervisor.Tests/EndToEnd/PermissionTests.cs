using System.Net.Sockets;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A socket that may not be opened is distinguished from one without a listener.</summary>
public sealed class PermissionTests
{
    [Theory]
    [InlineData("ps")]
    [InlineData("run", "--rootfs", "/", "--", "true")]
    public async Task A_socket_that_may_not_be_opened_is_distinguished_from_one_without_a_listener(params string[] verb)
    {
        var directory = Directory.CreateTempSubdirectory("supervisor-permission-");
        try
        {
            var address = Path.Join(directory.FullName, "s");
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(address));
            socket.Listen();
            // A directory of another user, and root without the capability to override permissions: like an ordinary user.
            Assert.Equal(0, (await CommandLine.RunAsync("chown", "65534", directory.FullName)).Status);
            var outcome = await CommandLine.RunAsync(
                "setpriv", ["--bounding-set=-dac_override,-dac_read_search", CommandLine.Supervisor, "--address", address,
                    .. verb]);
            Assert.Equal(125, outcome.Status);
            Assert.Contains($"permission denied at {address}", outcome.Errors, StringComparison.Ordinal);
            var absent = await CommandLine.RunAsync(CommandLine.Supervisor, ["--address", address + "2", .. verb]);
            Assert.Contains("no daemon answers", absent.Errors, StringComparison.Ordinal);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
