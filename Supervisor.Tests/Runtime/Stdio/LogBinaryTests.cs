using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Stdio;

/// <summary>Programs that receive a container's output, as containerd's <c>binary://</c> starts them.</summary>
public sealed class LogBinaryTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task A_log_binary_reads_both_streams_to_their_ends_and_gets_namespace_and_id()
    {
        var fifo = Path.Join(_containers.Place, "log");
        Assert.Equal(0, await RunAsync("mkfifo", fifo));
        var logger = Script("""
            exec 5>&-
            { echo "$CONTAINER_NAMESPACE $CONTAINER_ID $1 $3 $#"; cat <&3; cat <&4; } >"$2"
            """);
        var log = Task.Run(() => File.ReadAllText(fifo));
        var (container, _) = _containers.Create(
            TestContainers.Shell("sh", "-c", "echo out; echo err >&2"),
                stdio: new StdioTargets("", $"binary://ns:box{logger}?file={fifo}&key=with+space%21", "", false));
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        container.Start(CancellationToken.None);
        Assert.Equal(0, (await exit.Task.WaitAsync(Patience))!.Value.Code);
        Assert.Equal("ns box file key 4\nout\nerr\n", await log.WaitAsync(Patience));
    }

    [Fact]
    public void A_missing_log_binary_is_refused_by_path()
    {
        var e = Refused("/no/such/logger");
        Assert.Contains("/no/such/logger", e.Message, StringComparison.Ordinal);
        Assert.Contains("ENOENT", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_binary_that_exits_before_it_is_ready_is_refused_with_its_status() =>
        Assert.Contains("exited before it was ready", Refused(Script("exit 3")).Message, StringComparison.Ordinal);

    private InvalidStdioException Refused(string logger) => Assert.Throws<InvalidStdioException>(() => _containers.Create(
        TestContainers.Shell("true"), stdio: new StdioTargets("", $"binary://ns:box{logger}", "", false)));

    private string Script(string body)
    {
        var path = Path.Join(_containers.Place, $"logger{Guid.NewGuid():n}");
        File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return path;
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
