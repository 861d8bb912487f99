using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>supervisor-oci's other verbs, flags, messages and files.</summary>
public sealed class OciVerbsTests : IAsyncLifetime
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public async Task InitializeAsync()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
    }

    public Task DisposeAsync()
    {
        _oci.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Exec_reads_its_process_from_flags_or_from_a_file()
    {
        Assert.Equal(7, (await _oci.Do("exec", _id, "sh", "-c", "exit 7")).Status);
        Assert.Equal("uid=1000 gid=1001 groups=5\n/tmp\nb\n", Ok(await _oci.Do(
            "exec", "-u", "1000:1001", "-g", "5", "--cwd=/tmp", "-e", "A=b", _id, "sh", "-c", "id; pwd; echo $A")));
        Assert.Equal("CapEff:\t0000000020000420\n", Ok(await _oci.Do("exec", _id, "grep", "CapEff", "/proc/self/status")));
        Assert.Equal("CapEff:\t0000000020200420\n",
            Ok(await _oci.Do("exec", "--cap", "CAP_SYS_ADMIN", _id, "grep", "CapEff", "/proc/self/status")));
        Assert.Equal(137, (await _oci.Do("exec", _id, "sh", "-c", "kill -9 $$")).Status);
        var file = Path.Join(_oci.Place, "process.json");
        await File.WriteAllTextAsync(
            file, """{"args":["sh","-c","echo $X; exit 3"],"env":["X=from-file","PATH=/bin"],"cwd":"/","user":{"uid":0,"gid":0}}""");
        Assert.Equal(new(3, "from-file\n", ""), await _oci.Do("exec", "--process", file, _id));
        Fails(await _oci.Do("exec", _id), 255, "process args cannot be empty");
        Fails(await _oci.Do("exec", _id, "nonexistent"), 255, "executable file not found in $PATH");
        Fails(await _oci.Do("exec", "-u", "root", _id, "true"), 255, "--user");
        Fails(await _oci.Do("exec", "-u", "4294967296", _id, "true"), 255, "--user");
        Fails(await _oci.Do("exec", "no-such-container", "true"), 255, "does not exist");
    }

    [Fact]
    public async Task A_detached_exec_writes_its_pid_file_and_keeps_running()
    {
        var pidFile = Path.Join(_oci.Place, "exec.pid");
        Ok(await _oci.Leave("exec", "-d", "--pid-file", pidFile, _id, "sleep", "1000"));
        var pid = await File.ReadAllTextAsync(pidFile);
        Assert.Equal("sleep\0" + "1000\0", await File.ReadAllTextAsync($"/proc/{pid}/cmdline"));
        Assert.Contains(pid, Ok(await _oci.Do("ps", "-f", "json", _id)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exec_into_a_child_cgroup_stays_in_it()
    {
        Fails(await _oci.Do("exec", "--cgroup", "../escape", _id, "true"), 255, "is not a sub cgroup path");
        Fails(await _oci.Do("exec", "--cgroup", "missing", _id, "true"), 255, "no such file or directory");
        Fails(await _oci.Do("exec", "--cgroup", "nonsense:/x", _id, "true"), 255, "unknown controller nonsense");
    }

    [Fact]
    public async Task Terminals_have_the_size_of_ours_and_their_masters_are_sent_to_the_console_socket()
    {
        var exec = await _oci.InTerminal("exec", "-t", _id, "sh", "-c", "'tty; stty size'");
        Assert.Contains("/dev/pts/0", exec.Output, StringComparison.Ordinal);
        Assert.Contains("33 77", exec.Output, StringComparison.Ordinal);
        var id = NewId();
        await _oci.Configure(["sh", "-c", "tty; exit 5"], c => c["process"]!["terminal"] = true);
        var run = await _oci.InTerminal("run", id);
        Assert.Equal(5, run.Status);
        Assert.Contains("/dev/pts/0", run.Output, StringComparison.Ordinal);
        Fails(await _oci.Do("create", id), 1, "without setting console socket");
    }

    [Fact]
    public async Task List_and_ps_print_tables_and_json()
    {
        Assert.Matches($@"(?m)^{_id} +\d+ +running +{_oci.Bundle} +\S+Z +root$", Ok(await _oci.Do("list")));
        Assert.Equal(_id + "\n", Ok(await _oci.Do("list", "-q")));
        Assert.Equal(_id, (string?)JsonNode.Parse(Ok(await _oci.Do("list", "--format", "json")))![0]!["id"]);
        Fails(await _oci.Do("list", "-f", "xml"), 1, "invalid format option");
        Assert.Matches(@"(?s)^UID +PID.*sleep 1000\n$", Ok(await _oci.Do("ps", _id)));
        Assert.Matches(@"^ *PID CMD\n *\d+ sleep 1000\n$", Ok(await _oci.Do("ps", _id, "-e", "-o", "pid,cmd")));
        Assert.Single(JsonNode.Parse(Ok(await _oci.Do("ps", "--format", "json", _id)))!.AsArray());
        Ok(await _oci.Do("delete", "-f", _id));
        Assert.Equal("null\n", Ok(await _oci.Do("list", "-f", "json")));
    }

    [Fact]
    public async Task Update_changes_limits_by_flags_and_by_json()
    {
        Ok(await _oci.Do("update", "--memory", "64M", "--pids-limit", "20", "--cpu-share", "512", _id));
        var stats = JsonNode.Parse(Ok(await _oci.Do("events", "--stats", _id)))!;
        Assert.Equal(64L << 20, (long)stats["data"]!["memory"]!["usage"]!["limit"]!);
        Assert.Equal(20, (int)stats["data"]!["pids"]!["limit"]!);
        var file = Path.Join(_oci.Place, "resources.json");
        await File.WriteAllTextAsync(file, """{"memory":{"limit":33554432},"pids":{"limit":10}}""");
        Ok(await _oci.Do("update", "-r", file, _id));
        stats = JsonNode.Parse(Ok(await _oci.Do("events", "--stats", _id)))!;
        Assert.Equal(32L << 20, (long)stats["data"]!["memory"]!["usage"]!["limit"]!);
        Assert.Equal(10, (int)stats["data"]!["pids"]!["limit"]!);
        Fails(await _oci.Do("update", "--memory", "lots", _id), 1, "invalid value for memory");
    }

    [Fact]
    public async Task Events_are_printed_at_the_interval_until_the_exit()
    {
        using var events = CommandLine.Start(Executable, "--root", _oci.Root, "events", "--interval", "100ms", _id);
        for (var i = 0; i < 3; i++)
            Assert.StartsWith($$$"""{"type":"stats","id":"{{{_id}}}","data":{"cpu":{"usage":{"total":""",
                await events.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience), StringComparison.Ordinal);
        Ok(await _oci.Do("kill", _id, "KILL"));
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        await events.WaitForExitAsync(deadline.Token);
        Assert.Equal(0, events.ExitCode);
        Fails(await _oci.Do("events", "--interval", "0s", _id), 1, "greater than 0");
        Fails(await _oci.Do("events", "--stats", _id), 1, "container not running");
    }

    [Fact]
    public async Task Errors_are_logged_in_the_format_that_callers_parse()
    {
        var log = Path.Join(_oci.Place, "log.json");
        var outcome = await CommandLine.RunAsync(
            Executable, "--log", log, "--log-format=json", "--root", _oci.Root, "state", "absent");
        Assert.Equal(1, outcome.Status);
        var entry = JsonNode.Parse(await File.ReadAllTextAsync(log))!;
        Assert.Equal("error", (string?)entry["level"]);
        Assert.Contains("does not exist", (string?)entry["msg"], StringComparison.Ordinal);
        Assert.True(DateTimeOffset.TryParse((string?)entry["time"], out _));
        Assert.StartsWith("container does not exist", outcome.Errors, StringComparison.Ordinal);
        Assert.Matches("^time=\"[^\"]+\" level=error msg=\"container does not exist: ",
            (await _oci.Do("state", "absent")).Errors);
        Fails(await CommandLine.RunAsync(Executable, "--log-format", "xml", "list"), 1, "invalid log-format");
    }

    [Fact]
    public async Task Version_features_and_help_are_printed()
    {
        Assert.Matches(@"^supervisor-oci version \S+\ncommit: \S+\nspec: 1\.2\.0\n",
            Ok(await CommandLine.RunAsync(Executable, "--version")));
        var features = JsonNode.Parse(Ok(await CommandLine.RunAsync(Executable, "features")))!;
        Assert.Equal("1.2.0", (string?)features["ociVersionMax"]);
        Assert.Contains("rprivate", features["mountOptions"]!.AsArray().Select(o => (string?)o));
        Assert.Contains("pid", features["linux"]!["namespaces"]!.AsArray().Select(o => (string?)o));
        foreach (var verb in (
            string[])["create", "start", "run", "state", "kill", "delete", "exec", "ps", "list", "pause", "resume", "update",
            "events", "spec", "features"])
            Assert.Contains($"supervisor-oci {verb} - ", Ok(await CommandLine.RunAsync(Executable, verb, "--help")),
                StringComparison.Ordinal);
        Fails(await CommandLine.RunAsync(Executable, "spec", "-b", _oci.Bundle), 1, "File config.json exists. Remove it first");
        Fails(await CommandLine.RunAsync(Executable, "no-such-verb"), 1, "no-such-verb");
    }

    [Fact]
    public async Task Only_preserved_descriptors_are_inherited_under_their_numbers()
    {
        var id = NewId();
        await _oci.Configure(["sh", "-c", "cat <&3; echo fds /proc/self/fd/*; env"]);
        await File.WriteAllTextAsync(Path.Join(_oci.Place, "three"), "of descriptor three\n");
        var run = $"{Executable} --root {_oci.Root} run --bundle {_oci.Bundle}";
        var preserved = Ok(await CommandLine.RunAsync("sh", "-c", $"exec {run} --preserve-fds 1 {id} 3<{_oci.Place}/three"));
        Assert.StartsWith("of descriptor three\nfds /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3", preserved,
            StringComparison.Ordinal);
        Assert.DoesNotContain("/proc/self/fd/5", preserved, StringComparison.Ordinal);
        var listening = Ok(await CommandLine.RunAsync("sh", "-c", $"LISTEN_FDS=1 exec {run} {id} 3<{_oci.Place}/three"));
        Assert.Contains("LISTEN_FDS=1\n", listening, StringComparison.Ordinal);
        Assert.Contains("LISTEN_PID=1\n", listening, StringComparison.Ordinal);
        Fails(await CommandLine.RunAsync("sh", "-c", $"exec {run} {id} 3<{_oci.Place}/three 2>&1"), 0, "Bad file descriptor");
        Fails(await CommandLine.RunAsync("sh", "-c", $"exec {run} --preserve-fds 2 {id} 3<{_oci.Place}/three"), 1,
            "unable to preserve file descriptor 4");
    }

    [Fact]
    public async Task A_container_has_a_session_keyring_of_its_own()
    {
        var ours = await CommandLine.RunAsync("sh", "-c", "cat /proc/keys");
        await _oci.Configure(["cat", "/proc/keys"], c => c["linux"]!["maskedPaths"] = new JsonArray());
        Assert.Contains($"_ses.{_id}k", Ok(await _oci.Do("run", _id + "k")), StringComparison.Ordinal);
        Assert.DoesNotContain($"_ses.{_id}n", Ok(await _oci.Do("run", "--no-new-keyring", _id + "n")), StringComparison.Ordinal);
        Assert.DoesNotContain($"_ses.{_id}k", ours.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Features_missing_on_this_host_or_in_this_version_are_reported()
    {
        Fails(await CommandLine.RunAsync(Executable, "--systemd-cgroup", "--root", _oci.Root, "list"), 1, "--systemd-cgroup");
        Fails(await CommandLine.RunAsync(Executable, "--rootless", "maybe", "list"), 1, "--rootless");
    }
}
