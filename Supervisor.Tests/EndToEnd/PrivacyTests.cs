using System.Text.RegularExpressions;
using Supervisor.Tests.Clients;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Files of the daemon, its shim and its clients are private to their owner, whatever the umask.</summary>
public sealed partial class PrivacyTests : IAsyncLifetime
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly DaemonProcess _daemon = new() { Wrapper = ["sh", "-c", "umask 0; exec \"$0\" \"$@\""] };

    public Task InitializeAsync() => _daemon.RestartAsync();

    public Task DisposeAsync() => _daemon.DisposeAsync().AsTask();

    [Fact] // a regression: `grep PASSWORD /run/supervisor/bundles/*/*/config.json` as any user printed values of `run -e`
    public async Task Nothing_under_root_and_state_is_accessible_to_others_after_full_use()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "secret", "-e", "PASSWORD=hunter2", "--rootfs", "/", "--", "sleep", "1000"));
        Ok(await _daemon.Do("run", "-d", "--name", "limited", "--log-max-size", "64k", "--rootfs", "/", "--", "sh", "-c",
            "seq 40000; sleep 1000"));
        Ok(await _daemon.Do("exec", "secret", "true"));
        Ok(await _daemon.Do("run", "--rm", "--rootfs", "/", "--", "echo", "hello"));
        Ok(await _daemon.Do("logs", "limited"));
        using var foreground = CommandLine.Start(
            CommandLine.Supervisor, "--address", _daemon.Address, "--namespace", _daemon.Namespace, "run", "--rm", "--name",
                "front", "--rootfs", "/", "--", "cat");
        await foreground.StandardInput.WriteLineAsync("running");
        await foreground.StandardInput.FlushAsync();
        Assert.Equal("running", await foreground.StandardOutput.ReadLineAsync().WaitAsync(CommandLine.Patience));
        await ImportAsync();
        Ok(await _daemon.Ctr(
            "run", "-d", "--snapshotter", "overlayfs", "docker.io/library/surface:latest", "image", "sleep", "1000"));
        Ok(await _daemon.Ctr(
            "run", "-d", "--snapshotter", "native", "docker.io/library/surface:latest", "copied", "sleep", "1000"));

        var seen = Walk();
        var wide = string.Join(
            '\n', seen.Where(p => (File.GetUnixFileMode(p) & Others) != 0).Select(p => $"{p}: {File.GetUnixFileMode(p)}"));
        Assert.True(wide.Length == 0, "others may look into\n" + wide);
        // The walk includes the files with secrets.
        var names = seen.Select(p => Path.GetRelativePath(_daemon.Place, p)).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(
            new HashSet<string>(StringComparer.Ordinal)
            {
                "root", "root/journal.db", "root/journal.db-wal", "root/uuid", "root/lock",
                $"root/logs/{_daemon.Namespace}/secret.log",
                $"root/logs/{_daemon.Namespace}/limited.log.1", "root/content/blobs/sha256", "root/snapshots/overlayfs/snapshots",
                "root/snapshots/native/snapshots",
                "state", "state/state.lock", "state/root-uuid", "state/shim/s", "state/shim/exits", "state/shim/log",
                $"state/bundles/{_daemon.Namespace}",
                $"state/bundles/{_daemon.Namespace}/secret/config.json", $"state/bundles/{_daemon.Namespace}/secret/cgroup",
                "state/fifo",
            },
            names);
        Assert.Contains(names, n => n.StartsWith("root/content/blobs/sha256/", StringComparison.Ordinal));
        Assert.Contains(names, n =>
            n.StartsWith("state/fifo/", StringComparison.Ordinal) && n.Contains("/front/", StringComparison.Ordinal)
            && n.EndsWith("/stdout", StringComparison.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_daemon.Address));
        foreground.StandardInput.Close();
        await foreground.WaitForExitAsync().WaitAsync(CommandLine.Patience);
        // A container's root is an exception: its other users must be able to enter it.
        Assert.Equal("0", Ok(await _daemon.Do("exec", "secret", "stat", "-c", "%u", "/")).Trim());
        Assert.Equal("755", Ok(await _daemon.Ctr("tasks", "exec", "--exec-id", "e", "copied", "stat", "-c", "%a", "/")).Trim());
    }

    [Fact]
    public async Task Open_permissions_of_an_earlier_version_are_restricted_at_startup_except_in_containers_roots()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "secret", "-e", "PASSWORD=hunter2", "--rootfs", "/", "--", "sleep", "1000"));
        await ImportAsync();
        Ok(await _daemon.Ctr(
            "run", "-d", "--snapshotter", "native", "docker.io/library/surface:latest", "copied", "sleep", "1000"));
        await _daemon.StopAsync();
        foreach (var path in Walk())
            File.SetUnixFileMode(
            path, File.GetUnixFileMode(path) | UnixFileMode.GroupRead | UnixFileMode.OtherRead | (
            Directory.Exists(path) ? UnixFileMode.OtherExecute : 0));
        File.Delete(Path.Join(_daemon.Root, "narrowed")); // it had none
        File.Delete(Path.Join(_daemon.State, "narrowed"));
        var log = Path.Join(_daemon.Root, "logs", _daemon.Namespace, "secret.log");
        Assert.NotEqual((UnixFileMode)0, File.GetUnixFileMode(log) & Others);
        await _daemon.RestartAsync();
        Assert.Equal("", string.Join('\n', Walk().Where(p => (File.GetUnixFileMode(p) & Others) != 0)));
        Assert.Equal("755", Ok(await _daemon.Ctr("tasks", "exec", "--exec-id", "e", "copied", "stat", "-c", "%a", "/")).Trim());
    }

    private async Task ImportAsync()
    {
        var place = Path.Join(_daemon.Place, "image");
        Directory.CreateDirectory(place);
        Ok(await CommandLine.RunAsync(
            "bash", Path.Join(Repository.Root, "Supervisor.Tests", "Clients", "scripts", "mkimage.sh"), place));
        Ok(await _daemon.Ctr("images", "import", "--snapshotter", "native", Path.Join(place, "image.tar")));
        Ok(await _daemon.Ctr("images", "import", "--snapshotter", "overlayfs", Path.Join(place, "image.tar")));
    }

    /// <summary>Everything under root and state except the inside of containers' root file systems.</summary>
    private List<string> Walk()
    {
        var seen = new List<string>();
        var left = new Stack<string>([_daemon.Root, _daemon.State]);
        while (left.TryPop(out var path))
        {
            if (new FileInfo(path).LinkTarget is not null || ContainersOwn().IsMatch(Path.GetRelativePath(_daemon.Place, path)))
                continue;
            seen.Add(path);
            if (Directory.Exists(path)) foreach (var entry in Directory.EnumerateFileSystemEntries(path)) left.Push(entry);
        }
        return seen;
    }

    [GeneratedRegex(
        @"^(state/bundles/[^/]+/[^/]+/rootfs|root/snapshots/overlayfs/(snapshots|trash)/[^/]+/(fs|work)"
        + @"|root/snapshots/native/(snapshots|trash)/[^/]+)$")]
    private static partial Regex ContainersOwn();
}
