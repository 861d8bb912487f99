using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary><c>run --trace</c> and <c>start --trace</c>: the system calls of a launch.</summary>
public sealed class TraceTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task The_calls_of_a_launch_are_printed_on_standard_error()
    {
        var run = await _daemon.Do("run", "--trace", "--name", "c", "--rootfs", "/", "echo", "out");
        Assert.Equal((0, "out\n"), (run.Status, run.Output));
        IsTrace(run.Errors);
        var started = await _daemon.Do("start", "--trace", "c");
        Assert.Equal((0, "c\n"), (started.Status, started.Output));
        IsTrace(started.Errors);
        Assert.Equal("", (await _daemon.Do("run", "--rootfs", "/", "true")).Errors);
        Ok(await _daemon.Do("rm", "-f", "c"));
        Assert.False(Directory.Exists(Path.Join(_daemon.State, "fifo")) && Directory.GetFiles(
            Path.Join(_daemon.State, "fifo"), "trace", SearchOption.AllDirectories).Length > 0);
    }

    [Fact]
    public async Task They_are_written_to_a_file_and_the_programs_own_option_of_that_name_is_its_own()
    {
        var file = Path.Join(_daemon.Place, "calls");
        var run = await _daemon.Do("run", "-d", $"--trace={file}", "--name", "c", "--rootfs", "/", "echo", "--trace=x");
        Assert.Equal(new(0, "c\n", ""), run);
        IsTrace(await File.ReadAllTextAsync(file));
        Ok(await _daemon.Do("wait", "c"));
        Assert.Equal("--trace=x\n", Ok(await _daemon.Do("logs", "c")));
        var refused = await _daemon.Do("run", "--trace=/no/such/place", "--rootfs", "/", "true");
        Assert.Equal(125, refused.Status);
        Assert.Contains("--trace: ", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_launch_that_fails_shows_the_call_that_failed()
    {
        var run = await _daemon.Do("run", "--trace", "--rootfs", "/", "/no/such");
        Assert.Equal(127, run.Status);
        Assert.Contains(" = ENOENT\nsupervisor: ", run.Errors, StringComparison.Ordinal);
        var own = await RunAsync( // without a daemon
            CommandLine.Supervisor, "run", "--trace", "-w", "/proc/nowhere", "--rootfs", "/", "true");
        Assert.NotEqual(0, own.Status);
        Assert.Contains("mkdirat", own.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("relative")]
    [InlineData("STATE/fifo/NS/c/../../../root-uuid")]
    [InlineData("STATE/fifo/NS/other/x/trace")]
    public async Task Only_a_file_beside_the_clients_FIFOs_is_written(string path)
    {
        path = path.Replace("STATE", _daemon.State, StringComparison.Ordinal)
            .Replace("NS", _daemon.Namespace, StringComparison.Ordinal);
        using var client = new Crash.CrashClient(_daemon);
        await client.CreateContainer("c", "true");
        var options = client.In();
        options.Headers!.Add("supervisor-trace", path);
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(
            async () => await client.Tasks.CreateAsync(new() { ContainerId = "c" }, options));
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("header supervisor-trace", refused.Status.Detail, StringComparison.Ordinal);
    }

    private static void IsTrace(string text)
    {
        var lines = text.Split('\n')[..^1];
        Assert.InRange(lines.Length, 100, 2000);
        Assert.All(lines, l => Assert.Matches(@"\A *([0-9]+\.[0-9]|\?) us  .+ = .+\z", l));
        Assert.Contains(lines, l => l.Contains("pivot_root", StringComparison.Ordinal));
        Assert.EndsWith("from the start to execve = 0", lines[^1], StringComparison.Ordinal);
    }
}
