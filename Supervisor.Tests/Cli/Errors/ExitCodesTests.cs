using Grpc.Core;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Processes;

namespace Supervisor.Tests.Cli.Errors;

public sealed class ExitCodesTests
{
    [Theory]
    [InlineData(StatusCode.Unknown, "exec: \"nope\": executable file not found in $PATH", 127)]
    [InlineData(StatusCode.Unknown, "exec: \"/nope\": stat /nope: no such file or directory: unknown", 127)]
    [InlineData(StatusCode.Unknown, "exec \"/nope\": ENOENT (No such file or directory)", 127)]
    [InlineData(StatusCode.Unknown, "exec: \"/a/b\": Not a directory", 127)]
    [InlineData(StatusCode.Unknown, "exec: \"/etc/passwd\": permission denied", 126)]
    [InlineData(StatusCode.Unknown, "exec: \"/x\": exec format error", 126)]
    [InlineData(StatusCode.Unknown, "mount \"proc\" on \"/proc\": EPERM", 125)]
    [InlineData(StatusCode.Unavailable, "no such file or directory", 125)] // the socket's, not the program's
    [InlineData(StatusCode.AlreadyExists, "container \"permission denied\": already exists", 125)]
    public void The_exit_code_of_a_failed_start_depends_on_its_message(StatusCode code, string words, int expected) =>
        Assert.Equal(expected, ExitCodes.OfFailedStart(new RpcException(new Status(code, words))));

    [Fact]
    public void A_signal_is_128_and_its_number() => Assert.Equal(143, ExitCodes.OfSignal(15));

    [Theory]
    [InlineData("TERM", 15)]
    [InlineData("SIGTERM", 15)]
    [InlineData("sigkill", 9)]
    [InlineData("9", 9)]
    [InlineData("0", 0)]
    [InlineData("RTMAX", 64)]
    [InlineData("65", null)]
    [InlineData("-1", null)]
    [InlineData("", null)]
    [InlineData("SIG", null)]
    [InlineData("SIGSIGTERM", null)]
    [InlineData("TERMINATE", null)]
    public void A_signal_has_a_name_or_a_number(string text, int? number) => Assert.Equal(number, SignalNames.TryParse(text));
}
