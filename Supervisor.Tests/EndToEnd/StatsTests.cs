using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>top, stats, update and info on a running container.</summary>
public sealed class StatsTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        Ok(await _daemon.Do("run", "-d", "--name", "c", "-m", "64m", "--pids-limit", "50", "--rootfs", "/", "--", "sh", "-c",
            "sleep 1000 & while :; do :; done"));
    }

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task Top_shows_the_processes_of_the_container_alone()
    {
        var lines = Ok(await _daemon.Do("top", "c")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("PID", lines[0], StringComparison.Ordinal);
        Assert.Equal(3, lines.Length);
        Assert.Contains(lines, l => l.EndsWith("sleep 1000", StringComparison.Ordinal));
        Assert.Equal(["PID NI"], Ok(await _daemon.Do("top", "c", "-o", "pid,ni")).Split('\n').Take(1)
            .Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
        var refused = await _daemon.Do("top", "c", "-o", "args");
        Assert.Equal(125, refused.Status);
        Assert.Contains("no column PID", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stats_measure_once_or_until_their_reader_is_gone()
    {
        var lines = Ok(await _daemon.Do("stats", "--no-stream", "c")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("ID  CPU %", lines[0], StringComparison.Ordinal);
        var cells = lines[1].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal("c", cells[0]);
        Assert.True(double.Parse(cells[1].TrimEnd('%'), CultureInfo.InvariantCulture) > 0, lines[1]);
        Assert.Matches(@"^[\d.]+[KM]iB / 64\.00MiB$", cells[2]);
        Assert.Matches(@"^[\d.]+[KMG]?i?B / [\d.]+[KMG]?i?B$", cells[4]);
        Assert.Equal("2", cells[5]);
        Assert.Matches(@"^(-|[\d.]+% / [\d.]+% / [\d.]+%)$", cells[6]); // without cgroup v2 there is no PSI
        var two = await RunAsync("sh", "-c",
            $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace} stats | head -n 4");
        Assert.Equal((0, 4), (two.Status, two.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        Assert.DoesNotContain("\e", two.Output, StringComparison.Ordinal); // only data when piped
    }

    [Fact]
    public async Task Stats_are_printed_in_any_format_and_for_containers_that_do_not_run()
    {
        Ok(await _daemon.Do("create", "--name", "made", "--rootfs", "/", "true"));
        Assert.Equal("c 2\n", Ok(await _daemon.Do("stats", "--no-stream", "--no-trunc", "--format", "{{.Name}} {{.PIDs}}")));
        var table = Ok(await _daemon.Do("stats", "-a", "--no-stream", "--format", "table {{.ID}}\t{{.MemUsage}}"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, table.Length);
        Assert.StartsWith("ID    MEM USAGE / LIMIT", table[0], StringComparison.Ordinal);
        Assert.Equal("made  -", table[2]);
        var json = JsonDocument.Parse(Ok(await _daemon.Do("stats", "--no-stream", "--json", "c"))).RootElement;
        Assert.True(json.GetProperty("cpu").GetDouble() > 0);
        Assert.Equal(64 << 20, json.GetProperty("memoryLimitBytes").GetInt64());
    }

    [Fact]
    public async Task Data_is_one_json_value_or_one_on_a_line()
    {
        var top = JsonDocument.Parse(Ok(await _daemon.Do("top", "--json", "c", "-o", "pid,args"))).RootElement;
        Assert.Equal(["PID", "COMMAND"], top.GetProperty("titles").EnumerateArray().Select(t => t.GetString()!));
        Assert.Contains("sleep 1000", top.GetProperty("processes").EnumerateArray().Select(p => p[1].GetString()));
        Assert.Equal("c", JsonDocument.Parse(Ok(await _daemon.Do("ps", "--json"))).RootElement[0].GetProperty("id").GetString());
        Assert.Equal(
            "c", JsonDocument.Parse(Ok(await _daemon.Do("inspect", "--json", "c"))).RootElement[0].GetProperty("id").GetString());
        var info = JsonDocument.Parse(Ok(await _daemon.Do("info", "--json"))).RootElement;
        Assert.Equal((1, _daemon.Root), (info.GetProperty("running").GetInt32(), info.GetProperty("root").GetString()));
        Assert.Equal("1 0\n", Ok(await _daemon.Do("info", "--format", "{{.ContainersRunning}} {{.Stopped}}")));
        var version = JsonDocument.Parse(Ok(await _daemon.Do("version", "--json"))).RootElement;
        Assert.Equal($"{version.GetProperty("daemon").GetProperty("version").GetString()}\n",
            Ok(await _daemon.Do("version", "--format", "{{.Server.Version}}")));
        Assert.Equal("null\n", Ok(await RunAsync(
            CommandLine.Supervisor, "--address", "/nowhere", "version", "--format", "{{json .Daemon}}")));
        Assert.Contains("there is no .None: there are .client",
            (await _daemon.Do("version", "--format", "{{.None}}")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_changes_the_running_task_and_its_next_life()
    {
        Assert.Equal("c\n", Ok(await _daemon.Do("update", "-m", "96m", "--pids-limit", "40", "--cpus", "0.5", "c")));
        await HasLimits();
        Ok(await _daemon.Do("restart", "-t", "0", "c"));
        await HasLimits();

        async Task HasLimits()
        {
            Assert.Contains("/ 96.00MiB", Ok(await _daemon.Do("stats", "--no-stream", "c")), StringComparison.Ordinal);
            Assert.Equal("50000", Ok(await _daemon.Do(
                "inspect", "-f", "{{.Spec.Linux.Resources.Cpu.Quota}}", "c")).Trim());
        }
    }

    [Theory]
    [InlineData("update c", "nothing to change is given")]
    [InlineData("update -m x c", "--memory: \"x\" is not a size")]
    [InlineData("update --pids-limit 0 c", "--pids-limit: 0 is neither")]
    [InlineData("update --cpus -1 c", "--cpus: -1 is not a number of CPUs")]
    [InlineData("stats none", "none")]
    [InlineData("top none", "none")]
    public async Task A_wrong_argument_is_named(string line, string flaw)
    {
        var refused = await _daemon.Do(line.Split(' '));
        Assert.Equal((125, ""), (refused.Status, refused.Output));
        Assert.Contains(flaw, refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_counts_what_there_is()
    {
        var info = Ok(await _daemon.Do("info"));
        Assert.Contains($"Root:       {_daemon.Root}\n", info, StringComparison.Ordinal);
        Assert.Contains("Containers: 1\nRunning:    1\nPaused:     0\n", info, StringComparison.Ordinal);
    }
}
