using System.Net.Sockets;

namespace Supervisor.Tests.EndToEnd;

/// <summary>A socket that may not be opened is not one where nobody answers.</summary>
public sealed class PermissionTests
{
    [Theory]
    [InlineData("ps")]
    [InlineData("run", "--rootfs", "/", "--", "true")]
    public async Task A_socket_that_may_not_be_opened_is_told_from_one_where_nobody_answers(params string[] verb)
    {
        var directory = Directory.CreateTempSubdirectory("supervisor-permission-");
        try
        {
            var address = Path.Join(directory.FullName, "s");
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(address));
            socket.Listen();
            // Another's directory, and a root without the right to pass it all the same: as an ordinary user is.
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
