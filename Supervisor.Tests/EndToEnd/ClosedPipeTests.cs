using System.Diagnostics;

namespace Supervisor.Tests.EndToEnd;

/// <summary>
/// The reader of our output exits, as <c>head</c> does: we exit, so does the container, and nothing keeps running unread.
/// </summary>
public sealed class ClosedPipeTests : IAsyncLifetime
{
    private const int ReaderClosed = 141;
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("run --rootfs / -- yes MARK")]
    [InlineData("run --rootfs / -- sh -c 'yes MARK >&2'")]
    // builtins of a first process only get EPIPE, and continue
    [InlineData("run --rootfs / -- sh -c 'while :; do echo MARK; done 2>/dev/null'")]
    [InlineData("run -t --rootfs / -- yes MARK")]
    public async Task Run_without_a_daemon_exits_and_leaves_nothing(string verb)
    {
        var mark = $"y{Guid.NewGuid():N}";
        Assert.Equal($"{mark}|{ReaderClosed}",
            await Head($"{CommandLine.Supervisor} {verb.Replace("MARK", mark, StringComparison.Ordinal)} 2>&1"));
        Assert.DoesNotContain(mark, CommandLines(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_with_a_daemon_exits_and_its_container_too()
    {
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours("run --name c --rootfs / -- yes")));
        Assert.Equal("stopped", await Status("c"));
    }

    [Fact]
    public async Task A_container_that_keeps_running_without_a_reader_is_left_alone_unless_run_with_rm()
    {
        const string deaf = "--rootfs / -- sh -c 'echo y; echo y; sleep 1; while :; do echo y; sleep 0.1; done 2>/dev/null'";
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours($"run --name stays {deaf}")));
        Assert.Equal("running", await Status("stays"));
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours($"run --rm --name goes {deaf}")));
        Assert.Equal("", await Status("goes"));
    }

    [Fact]
    public async Task A_container_that_opens_its_output_for_reading_too_does_not_hold_its_client()
    {
        // the pipe always has a reader then, and never breaks
        const string reopened = "sh -c 'exec 3<>/proc/self/fd/1; while :; do echo y; done'";
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours($"run --name stays --rootfs / -- {reopened}")));
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours($"exec stays {reopened}")));
        Assert.Equal("running", await Status("stays"));
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours($"run --rm --name goes --rootfs / -- {reopened}")));
        Assert.Equal("", await Status("goes"));
    }

    [Fact]
    public async Task Exec_exits_and_its_process_too()
    {
        await RunDetached("c", "sleep 1000");
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours("exec c yes")));
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours("exec -t c yes")));
        await Eventually.IsTrue(async () =>
            !(await _daemon.Do("exec", "c", "sh", "-c", "cat /proc/[0-9]*/comm")).Output.Contains(
            "yes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_process_of_an_exec_notices_that_its_client_was_killed()
    {
        await RunDetached("c", "sleep 1000");
        using var plain = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace,
            "exec", "c", "sh", "-c", "echo up; while sleep 0.1; do echo still; done # plain");
        using var terminal =
            CommandLine.Start(CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace,
            "exec", "-t", "c", "sh", "-c", "echo up; sleep 998");
        Assert.Equal("up", (await plain.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience))!.Trim());
        Assert.Equal("up", (await terminal.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience))!.Trim());
        plain.Kill();
        terminal.Kill();
        // The loop writes to a broken pipe; the sleep at a terminal gets SIGHUP.
        await Eventually.IsTrue(async () =>
        {
            var left = (await _daemon.Do(
                "exec", "c", "sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).Output;
            return !left.Contains("# plain", StringComparison.Ordinal) && !left.Contains("sleep 998", StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Logs_and_events_exit_even_with_nothing_to_print()
    {
        await RunDetached("c", "sh -c 'echo y; sleep 1000'");
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours("logs -f c")));
        Assert.EndsWith($"|{ReaderClosed}", await Head(Ours("events --from 1")), StringComparison.Ordinal);
        await RunDetached("loud", "yes");
        Assert.Equal($"y|{ReaderClosed}", await Head(Ours("logs -f loud")));
    }

    private string Ours(string verb) =>
        $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace} {verb}";

    /// <summary>The first line, and the writer's exit status: within seconds, not at the deadline.</summary>
    private static async Task<string> Head(string command)
    {
        var started = Stopwatch.StartNew();
        var outcome = await CommandLine.RunAsync(
            "bash", "-c", $"{{ {command}; }} | head -n 1 | tr -d '\\r\\n'; echo \"|${{PIPESTATUS[0]}}\"");
        Assert.InRange(started.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(40));
        return outcome.Output.Trim();
    }

    private async Task RunDetached(string id, string program)
    {
        var outcome = await CommandLine.RunAsync("bash", "-c", Ours($"run -d --name {id} --rootfs / -- {program}"));
        Assert.True(outcome.Status == 0, $"{outcome}");
    }

    private async Task<string> Status(string id)
    {
        var line = (await _daemon.Do("ps", "-a")).Output.Split('\n')
            .FirstOrDefault(l => l.StartsWith(id + " ", StringComparison.Ordinal)) ?? "";
        return line.Contains("running", StringComparison.OrdinalIgnoreCase)
            ? "running" : line.Contains("exited", StringComparison.OrdinalIgnoreCase) ? "stopped" : line;
    }

    private static string CommandLines() =>
        string.Join('\n', Directory.GetDirectories("/proc").Where(d => File.Exists(d + "/cmdline")).Select(d =>
    {
        try
        {
            return File.ReadAllText(d + "/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }));
}
