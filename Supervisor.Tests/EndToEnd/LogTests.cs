using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Logs of the daemon's containers, and output that cannot be written.</summary>
public sealed class LogTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_foreground_container_has_a_log_too_until_it_is_removed()
    {
        Assert.Equal("out\n",
            Ok(await _daemon.Do("run", "--name", "f1", "--rootfs", "/", "--", "sh", "-c", "echo out; echo err >&2")));
        var log = Ok(await _daemon.Do("logs", "f1"));
        Assert.Equal(["err", "out"], log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        Ok(await _daemon.Do("run", "--name", "f2", "--log-max-size", "4k", "--log-max-files", "2", "--rootfs", "/", "--", "seq",
            "10000"));
        Assert.Equal(2, Directory.GetFiles(Path.Join(_daemon.Root, "logs", _daemon.Namespace), "f2.log*").Length);
        Assert.EndsWith("\n10000\n", Ok(await _daemon.Do("logs", "f2")), StringComparison.Ordinal);
        Ok(await _daemon.Do("rm", "f1", "f2"));
        Assert.Empty(Directory.GetFiles(Path.Join(_daemon.Root, "logs", _daemon.Namespace), "f*.log*"));
    }

    [Fact]
    public async Task The_log_is_removed_with_the_container_by_any_client()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "l1", "--log-max-size", "4k", "--rootfs", "/", "--", "seq", "3000"));
        Ok(await _daemon.Do("wait", "l1"));
        var logs = Path.Join(_daemon.Root, "logs", _daemon.Namespace);
        Assert.NotEmpty(Directory.GetFiles(logs, "l1.log*"));
        await _daemon.Ctr("tasks", "rm", "l1");
        Ok(await _daemon.Ctr("containers", "rm", "l1"));
        Assert.Empty(Directory.GetFiles(logs, "l1.log*"));
    }

    [Theory]
    [InlineData("64k")]
    [InlineData("off")]
    public async Task A_container_cannot_change_its_own_log(string size)
    {
        Ok(await _daemon.Do(
            "run", "-d", "--name", "own", "--log-max-size", size, "--rootfs", "/", "--",
            "sh", "-c", "echo before; chmod 4777 /proc/self/fd/1; : >/proc/self/fd/1; truncate -s 20G /proc/self/fd/1; "
                + "truncate -s 0 /proc/self/fd/1; echo after"));
        Ok(await _daemon.Do("wait", "own"));
        var log = Path.Join(_daemon.Root, "logs", _daemon.Namespace, "own.log");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(log));
        var text = Ok(await _daemon.Do("logs", "own"));
        Assert.StartsWith("before\n", text, StringComparison.Ordinal);
        Assert.EndsWith("after\n", text, StringComparison.Ordinal);
        Assert.InRange(text.Length, 0, 1000);
    }

    [Fact]
    public async Task The_last_lines_of_a_log_are_printed_even_across_files()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "t", "--log-max-size", "4k", "--log-max-files", "100", "--rootfs", "/", "--",
            "seq", "5000"));
        Ok(await _daemon.Do("wait", "t"));
        foreach (var last in (int[])[0, 1, 2, 800, 1200, 4999, 5000, 6000])
            Assert.Equal(string.Concat(Enumerable.Range(1, 5000).TakeLast(last).Select(i => $"{i}\n")),
                Ok(await _daemon.Do("logs", "--tail", $"{last}", "t")));
        Assert.Equal("5000\n", Ok(await _daemon.Do("logs", "-f", "-n", "1", "t")));
        Assert.Contains("--tail", (await _daemon.Do("logs", "-n", "few", "t")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_behind_the_output_is_reported_and_not_taken_for_a_closed_pipe()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "d", "--rootfs", "/", "--", "sh", "-c", "echo out; sleep 1000"));
        foreach (var verb in (
            string[])["run --rm --rootfs / -- echo out", "exec d echo out", "logs d", "events --from 1", "ps", "ps --help"])
        {
            var outcome = await CommandLine.RunAsync(
                "bash", "-c", $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace} {verb} "
                + ">/dev/full");
            Assert.True(outcome.Status == 1
                && outcome.Errors.StartsWith(
                "supervisor: cannot write to standard output: No space left on device (ENOSPC)", StringComparison.Ordinal),
                $"{verb}: {outcome}");
        }
    }
}
