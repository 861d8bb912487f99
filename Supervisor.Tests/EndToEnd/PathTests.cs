using Supervisor.Tests.Clients;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The daemon works in directories of any name.</summary>
public sealed class PathTests
{
    private static readonly string Long = new('l', 120); // a unix socket's address holds 107 bytes of a path

    [Theory]
    [InlineData("node")]
    [InlineData("per-container")]
    public async Task A_state_directory_with_a_path_longer_than_a_sockets_works(string shim)
    {
        await using var daemon = new DaemonProcess { Shim = shim, StateName = $"{Long}/state" };
        await Works(daemon);
    }

    [Fact]
    public async Task A_backslash_a_quote_and_a_dollar_in_directory_names_work()
    {
        await using var daemon = new DaemonProcess { RootName = "b\\x \"y\" ${z}/root", StateName = "b\\x \"y\" ${z}/state" };
        await Works(daemon);
    }

    [Theory]
    [InlineData("--config", "/", "/: the configuration cannot be read: it is a directory")]
    [InlineData("--root", "/proc/x", "/proc/x: cannot be created: no mkdir on its file system: name another directory")]
    [InlineData("--group", "no-such-group",
        "--group: \"no-such-group\" is neither a group in this host's /etc/group nor a number up to 4294967294")]
    public async Task An_unusable_directory_is_reported_in_one_line(string option, string value, string said)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-wrong-");
        try
        {
            var options = new Dictionary<string, string>
            {
                ["--address"] = $"{place.FullName}/s", ["--root"] = $"{place.FullName}/root",
                ["--state"] = $"{place.FullName}/state", ["--shim"] = "none", [option] = value,
            };
            var refused = await CommandLine.RunAsync(
                CommandLine.Supervisor, ["serve", .. options.SelectMany(o => (string[])[o.Key, o.Value])]);
            Assert.Equal(new(125, "", $"supervisor: {said}\n"), refused);
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    private static async Task Works(DaemonProcess daemon)
    {
        await daemon.RestartAsync();
        CommandLine.Ok(await daemon.Do("run", "-d", "--name", "a", "--rootfs", "/", "--", "sleep", "1000"));
        Assert.Equal("hi\n", CommandLine.Ok(await daemon.Do("exec", "a", "echo", "hi")));
        await daemon.KillAsync();
        await daemon.RestartAsync();
        Assert.Equal("again\n", CommandLine.Ok(await daemon.Do("exec", "a", "echo", "again")));
        CommandLine.Ok(await daemon.Do("rm", "-f", "a"));
    }

    [Theory]
    [InlineData("/proc")] // no file can be created there
    [InlineData(null)]
    public async Task The_daemon_neither_needs_nor_writes_its_working_directory(string? directory)
    {
        var own = Directory.CreateTempSubdirectory("supervisor-cwd-");
        try
        {
            await using (var daemon = new DaemonProcess {
                Wrapper = ["env", "-C", directory ?? own.FullName] }) await daemon.RestartAsync();
            Assert.Empty(own.GetFileSystemInfos());
        }
        finally
        {
            own.Delete(recursive: true);
        }
    }
}
