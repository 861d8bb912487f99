using System.Globalization;
using System.Text.Json;
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
        Assert.Equal(new(0, "out\n", "err\n"), await _daemon.Do("logs", "f1"));
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
    public async Task Each_line_keeps_its_time_and_stream()
    {
        var began = DateTimeOffset.UtcNow.AddSeconds(-1);
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sh", "-c",
            "echo one; echo two >&2; sleep 2; echo three; printf end"));
        Ok(await _daemon.Do("wait", "c"));
        Assert.Equal(new(0, "one\nthree\nend", "two\n"), await _daemon.Do("logs", "c"));
        Assert.All(File.ReadLines(Path.Join(_daemon.Root, "logs", _daemon.Namespace, "c.log")),
            line => Assert.Matches(@"^20\S+T\S+\.\d{9}Z (stdout F (one|three)|stderr F two|stdout P end)$", line));
        var timed = await _daemon.Do("logs", "-t", "c");
        var first = DateTimeOffset.Parse(timed.Output.Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.InRange(first, began, DateTimeOffset.UtcNow);
        Assert.Matches(@"^\S+Z one\n\S+Z three\n\S+Z end$", timed.Output);
        Assert.Matches(@"^\S+Z two\n$", timed.Errors);
        var between = $"{first.AddSeconds(1):yyyy-MM-dd'T'HH:mm:ss.fffffff}Z";
        Assert.Equal(new(0, "three\nend", ""), await _daemon.Do("logs", "--since", between, "c"));
        Assert.Equal(new(0, "one\n", "two\n"), await _daemon.Do("logs", "-f", "--until", between, "c"));
        Assert.Equal("", Ok(await _daemon.Do("logs", "--since", $"{first.AddSeconds(60).ToUnixTimeSeconds()}", "c")));
        Assert.Equal("", Ok(await _daemon.Do("logs", "--until", "1h", "c")));
        Assert.Equal("end", Ok(await _daemon.Do("logs", "--tail", "1", "--since", "1h30m", "c")));
        var json = Ok(await _daemon.Do("logs", "--json", "c")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(["one\n/stdout", "two\n/stderr", "three\n/stdout", "end/stdout"],
            json.Select(j => $"{j.GetProperty("log")}/{j.GetProperty("stream")}"));
        var refused = await _daemon.Do("logs", "--since", "yesterday", "c");
        Assert.Equal(125, refused.Status);
        Assert.StartsWith("supervisor: --since: \"yesterday\" is not a time: give ", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Any_bytes_are_printed_as_they_were_written()
    {
        var busybox = Ok(await RunAsync("sh", "-c", "command -v busybox")).Trim(); // it is in the container's view of /
        byte[] bytes = [.. File.ReadAllBytes(busybox), .. Enumerable.Repeat((byte)'x', 100_000)]; // longer than a record
        foreach (var terminal in (string[])["", "-t"])
        {
            var name = $"bytes{terminal}";
            Ok(await _daemon.Do(["run", "-d", .. terminal.Length > 0 ? (string[])["-t"] : [], "--name", name, "--log-max-size",
                "1m", "--log-max-files", "100", "--rootfs", "/", "--", "sh", "-c",
                $"stty raw 2>/dev/null; cat {busybox}; head -c 100000 /dev/zero | tr '\\0' x"]));
            Ok(await _daemon.Do("wait", name));
            var printed = Path.Join(_daemon.Place, "printed");
            Ok(await RunAsync("sh", "-c", $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace} "
                + $"logs -f {name} >{printed}"));
            Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(printed)), name);
        }
    }

    [Fact]
    public async Task A_log_that_another_client_or_an_earlier_version_began_has_the_output_alone()
    {
        var log = Path.Join(_daemon.Root, "logs", _daemon.Namespace, "old.log");
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        var bundle = Path.Join(_daemon.Place, "raw.log");
        Assert.Equal(0, (await _daemon.Ctr("run", "-d", "--log-uri", $"file://{bundle}", "--rootfs", "/", "raw", "sh", "-c",
            "echo out; echo err >&2")).Status);
        Ok(await _daemon.Do("wait", "raw"));
        Assert.Equal(["err", "out"], File.ReadAllLines(bundle).Order());
        Assert.Equal(File.ReadAllText(bundle), Ok(await _daemon.Do("logs", "raw")));
        var refused = await _daemon.Do("logs", "-t", "raw");
        Assert.Equal(125, refused.Status);
        Assert.StartsWith("supervisor: --timestamps: the log of container raw has the output alone", refused.Errors,
            StringComparison.Ordinal);
        Ok(await _daemon.Ctr(
            "containers", "create", "--label", $"supervisor.io/log={log}", "--rootfs", "/", "old", "echo", "new"));
        File.WriteAllText(log, "2026-01-01T00:00:00.000000000Z stdout F mine\n"); // as the container wrote it
        Ok(await _daemon.Do("start", "-a", "old"));
        Assert.Equal("2026-01-01T00:00:00.000000000Z stdout F mine\nnew\n", Ok(await _daemon.Do("logs", "old")));
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
