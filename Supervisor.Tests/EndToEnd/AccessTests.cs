using Supervisor.Kernel.Processes;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Access to the daemon's files and sockets, from the host and from containers.</summary>
public sealed class AccessTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task The_daemons_files_are_hidden_from_a_container_on_the_hosts_root()
    {
        var outcome = await _daemon.Do("run", "--rootfs", "/", "--", "sh", "-c", "cat /proc/self/mountinfo");
        var masked = Ok(outcome).Split('\n').Where(l => l.Contains(" - tmpfs ", StringComparison.Ordinal))
            .Select(l => l.Split(' ')[4]).ToList();
        if (Directory.Exists("/var/lib/supervisor")) Assert.Contains("/var/lib/supervisor", masked);
        Assert.True(masked.Exists(m => _daemon.Root == m || _daemon.Root.StartsWith(m + "/", StringComparison.Ordinal)),
            $"{_daemon.Root} can be seen: {string.Join(' ', masked)}");
    }

    [Fact]
    public void Socket_and_directories_are_accessible_to_their_owner_only()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_daemon.Address));
        foreach (var directory in (string[])[_daemon.Root, _daemon.State])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(directory));
    }

    [Fact] // CVE-2020-15257
    public async Task Every_socket_of_the_daemon_and_its_shim_is_in_their_own_directories()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "n1", "--rootfs", "/", "--", "sleep", "1000"));
        int[] ours = [_daemon.Pid, .. _daemon.ShimPids];
        Assert.True(ours.Length > 1, "there is no shim");
        var sockets = ours.SelectMany(pid => Directory.GetFiles($"/proc/{pid}/fd"))
            .Select(fd => new FileInfo(fd).LinkTarget ?? "")
            .Where(t => t.StartsWith("socket:[", StringComparison.Ordinal)).Select(t => t[8..^1])
                .ToHashSet(StringComparer.Ordinal);
        // the inode, and the name if there is one
        var named = File.ReadLines("/proc/net/unix").Select(l => l.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries))
            .Where(l => l.Length == 8 && sockets.Contains(l[6])).Select(l => l[7]).ToList();
        Assert.Contains(_daemon.Address, named);
        // "@": abstract. unix(7)
        Assert.All(named, name => Assert.StartsWith(_daemon.Place + "/", name, StringComparison.Ordinal));
        // The diagnostics port accepts commands of a debugger. Its files are named after the process and its start:
        // those of an earlier process that had the same number stay behind when it is killed, and are not ours.
        Assert.Empty(ours.SelectMany(pid =>
            Directory.GetFiles(Path.GetTempPath(), $"clr-debug-pipe-{pid}-{ProcStat.TryStartTime(pid)}-*")));
    }
}
