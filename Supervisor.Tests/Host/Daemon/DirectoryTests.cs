using System.Diagnostics;
using Supervisor.Host.Daemon;
using Supervisor.Host.Hosting;

namespace Supervisor.Tests.Host.Daemon;

/// <summary>
/// The daemon's directories and locks are its own: another user's files and planted links are refused and left unchanged.
/// </summary>
public sealed class DirectoryTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
        Readable = Private | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly string _base = Directory.CreateTempSubdirectory("supervisor-directories-").FullName;

    public void Dispose() => Directory.Delete(_base, recursive: true);

    private DaemonOptions Options =>
        new($"{_base}/run/s", $"{_base}/root", $"{_base}/state", Quiet: true,
        ShimExecutable: Path.Join(Repository.Bin, "supervisor-shim"));

    [Theory]
    [InlineData("root")]
    [InlineData("state")]
    [InlineData("run")]
    public async Task A_symbolic_link_in_place_of_a_directory_is_refused_and_its_target_is_not_written(string name)
    {
        var target = Directory.CreateDirectory($"{_base}/elsewhere");
        File.CreateSymbolicLink($"{_base}/{name}", target.FullName);
        Assert.Contains("is a symbolic link", await RefusedAsync(Options), StringComparison.Ordinal);
        Assert.Contains("is a symbolic link",
            await RefusedAsync(Options with { Root = Options.Root + "/", State = Options.State + "/" }),
            StringComparison.Ordinal);
        Assert.Empty(target.EnumerateFileSystemInfos());
    }

    [Theory]
    [InlineData("root/lock")]
    [InlineData("state/state.lock")]
    [InlineData("run/s.lock")]
    public async Task A_symbolic_link_in_place_of_a_lock_is_refused_and_its_target_is_not_created(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{_base}/{name}")!, Private);
        File.CreateSymbolicLink($"{_base}/{name}", $"{_base}/planted");
        Assert.Contains("is a symbolic link", await RefusedAsync(Options), StringComparison.Ordinal);
        Assert.False(File.Exists($"{_base}/planted"));
    }

    [Theory]
    [InlineData("root")]
    [InlineData("state")]
    [InlineData("run")]
    public async Task A_directory_of_another_user_is_refused(string name)
    {
        Directory.CreateDirectory($"{_base}/{name}", Private);
        await OwnAsync($"{_base}/{name}");
        Assert.Contains("is owned by user 65534", await RefusedAsync(Options), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries($"{_base}/{name}"));
    }

    [Theory]
    [InlineData("root/lock")]
    [InlineData("state/state.lock")]
    [InlineData("run/s.lock")]
    public async Task A_lock_of_another_user_is_refused(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{_base}/{name}")!, Private);
        await File.WriteAllTextAsync($"{_base}/{name}", "");
        await OwnAsync($"{_base}/{name}");
        Assert.Contains("is owned by user 65534", await RefusedAsync(Options), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("root")]
    [InlineData("state")]
    public async Task A_directory_open_to_others_is_refused_if_it_holds_foreign_files(string name)
    {
        var directory = Directory.CreateDirectory($"{_base}/{name}", Private);
        File.SetUnixFileMode(directory.FullName, Readable);
        await File.WriteAllTextAsync($"{_base}/{name}/photos", "");
        Assert.Contains("holds files that are not the daemon's", await RefusedAsync(Options), StringComparison.Ordinal);
        Assert.Equal(Readable, File.GetUnixFileMode(directory.FullName));
    }

    [Fact]
    public async Task Our_own_directories_that_are_open_to_others_are_made_private()
    {
        for (var round = 0; round < 2; round++) // empty ones, and those of an earlier daemon
        {
            foreach (var name in (string[])["root", "state"])
            {
                Directory.CreateDirectory($"{_base}/{name}");
                File.SetUnixFileMode($"{_base}/{name}", Readable);
            }
            if (round > 0) File.SetUnixFileMode(
                $"{_base}/root/journal.db", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            var daemon = await DaemonHost.StartAsync(Options).WaitAsync(TestDaemon.Deadline);
            try
            {
                foreach (var name in (string[])["root", "state", "run"])
                    Assert.Equal(Private, File.GetUnixFileMode($"{_base}/{name}"));
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{_base}/root/journal.db"));
            }
            finally
            {
                await daemon.StopAsync("the test is over").WaitAsync(TestDaemon.Deadline);
            }
        }
    }

    [Fact]
    public void Two_roots_do_not_share_a_state_directory_by_default()
    {
        var (one, other) = (new ServerIdentity(Guid.NewGuid().ToString(), 0), new ServerIdentity(Guid.NewGuid().ToString(), 0));
        Assert.Equal("/run/supervisor", StateDirectory.Default("/var/lib/supervisor", one));
        Assert.Equal($"/run/supervisor/roots/{one.Uuid}", StateDirectory.Default("/srv/one", one));
        Assert.NotEqual(StateDirectory.Default("/srv/one", one), StateDirectory.Default("/srv/other", other));
    }

    private static async Task<string> RefusedAsync(DaemonOptions options) =>
        (await Assert.ThrowsAsync<DaemonStartException>(() => DaemonHost.StartAsync(options))).Message;

    private static async Task OwnAsync(string path)
    {
        using var chown = await Task.Run(() => Process.Start("chown", ["65534", path]));
        await chown.WaitForExitAsync();
        Assert.Equal(0, chown.ExitCode);
    }
}
