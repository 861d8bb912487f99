using System.Text.Json;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>doctor on a daemon that is well, that is down, and with leftovers of containers that it does not know.</summary>
public sealed class DoctorTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_daemon_that_is_well_has_no_fault()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        var outcome = await _daemon.Do("doctor", "--json");
        var findings = Findings(outcome);
        Assert.True(outcome.Status == 0, outcome.Output);
        Assert.All(findings, f => Assert.Equal("ok", f.Result));
        Assert.Equal(
            ["socket", "versions", "shims", "disk of root", "disk of state", "journal", "directories", "cgroups",
            "mounts and namespaces"], findings.Select(f => f.Check));
        Assert.Contains($"pid {_daemon.ShimPid}", findings.Single(f => f.Check == "shims").Detail, StringComparison.Ordinal);
        Assert.Contains("CHECK", Ok(await _daemon.Do("doctor")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_daemon_it_says_so_and_checks_the_rest()
    {
        await _daemon.KillAsync();
        var outcome = await _daemon.Do("doctor", "--json", "--root", _daemon.Root, "--state", _daemon.State);
        Assert.Equal(1, outcome.Status);
        var findings = Findings(outcome);
        Assert.Equal("fault", findings[0].Result);
        Assert.Contains("no daemon listens", findings[0].Detail, StringComparison.Ordinal);
        Assert.Contains("supervisor serve --address", findings[0].ToDo, StringComparison.Ordinal);
        Assert.Equal("ok", findings.Single(f => f.Check == "journal").Result);
        Assert.Equal("unknown", findings.Single(f => f.Check == "leftovers").Result);
        var nowhere = await RunAsync(CommandLine.Supervisor, "--address", "/nowhere/s", "doctor");
        Assert.Equal(1, nowhere.Status);
        Assert.Contains("/nowhere/s does not exist: no daemon is running", nowhere.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leftovers_and_an_open_socket_are_named_and_left_alone()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", "/", "--", "sleep", "1000"));
        var bundle = Path.Join(_daemon.State, "bundles", _daemon.Namespace, "gone");
        var log = Path.Join(_daemon.Root, "logs", _daemon.Namespace, "gone.log.1");
        var cgroup = ((string[])["/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")])
            .Select(tree => Path.Join(tree, _daemon.Namespace)).First(Directory.Exists) + "/gone";
        try
        {
            foreach (var directory in (string[])[bundle + "/rootfs", cgroup]) Directory.CreateDirectory(directory);
            File.WriteAllText(log, "");
            Ok(await RunAsync("mount", "-t", "tmpfs", "doctor", bundle + "/rootfs"));
            File.SetUnixFileMode(_daemon.Address, File.GetUnixFileMode(_daemon.Address) | UnixFileMode.OtherWrite);
            var open = await _daemon.Do("doctor", "--json");
            Assert.Equal(1, open.Status);
            Assert.Contains("every user may be root through it", Findings(open)[0].Detail, StringComparison.Ordinal);
            File.SetUnixFileMode(_daemon.Address, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var outcome = await _daemon.Do("doctor", "--json");
            Assert.Equal(1, outcome.Status);
            var faults = Findings(outcome).Where(f => f.Result == "fault").ToDictionary(f => f.Check);
            Assert.Equal($"{bundle}, {log}", faults["directories"].Detail);
            Assert.Equal(cgroup, faults["cgroups"].Detail);
            Assert.Equal(bundle + "/rootfs", faults["mounts and namespaces"].Detail);
            Assert.Equal(3, faults.Count);
            Assert.True(Directory.Exists(cgroup) && File.Exists(log));
        }
        finally
        {
            await RunAsync("umount", bundle + "/rootfs");
            if (Directory.Exists(cgroup)) Directory.Delete(cgroup);
            if (Directory.Exists(bundle)) Directory.Delete(bundle, recursive: true);
            File.Delete(log);
        }
    }

    private sealed record Finding(string Check, string Result, string Detail, string ToDo);

    private static List<Finding> Findings(Outcome outcome) =>
        [.. JsonDocument.Parse(outcome.Output).RootElement.GetProperty("daemon").EnumerateArray().Select(f => new Finding(
            f.GetProperty("check").GetString()!, f.GetProperty("result").GetString()!, f.GetProperty("detail").GetString()!,
            f.GetProperty("toDo").GetString()!))];
}
