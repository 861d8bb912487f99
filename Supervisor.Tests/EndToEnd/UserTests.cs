using System.Diagnostics;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>Users of run and exec are those of the container's account files, with docker's groups.</summary>
public sealed class UserTests : IAsyncLifetime
{
    private const string Passwd = "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n";
    private const string Group = "root:x:0:\napp:x:1001:\naudio:x:29:app\nstaff:x:50:\n";
    private const string Show = "echo $(sed -n 's/^[UG]id:[^0-9]*\\([0-9]*\\).*/\\1/p; s/^Groups:[^0-9]*//p' /proc/self/status)";
    private readonly DirectoryInfo _rootfs = Directory.CreateTempSubdirectory("supervisor-users-");
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync()
    {
        foreach (var directory in (string[])["etc", "bin", "lib", "lib64", "usr", "proc", "sys", "dev", "run", "tmp"])
            Directory.CreateDirectory($"{_rootfs}/{directory}");
        await CommandLine.RunAsync("bash", "-c",
            $"cd {_rootfs} && for p in sh sed sleep; do cp -L $(command -v $p) bin/ && "
            + "ldd bin/$p | grep -o '/[^ ]*' | xargs -I{} cp --parents -L {} .; done");
        File.SetUnixFileMode(_rootfs.FullName, (UnixFileMode)0b111_101_101);
        File.WriteAllText($"{_rootfs}/etc/passwd", Passwd);
        File.WriteAllText($"{_rootfs}/etc/group", Group);
        _daemon = await DaemonProcess.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _daemon.DisposeAsync();
        _rootfs.Delete(recursive: true);
    }

    [Fact]
    public async Task Run_and_exec_resolve_names_in_the_containers_account_files()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "u", "--rootfs", _rootfs.FullName, "--", "sleep", "1000"));
        foreach (var (user, ids) in new Dictionary<string, string>
        {
            ["app"] = "1000 1001 29 1001", ["1000"] = "1000 1001 29 1001", ["app:staff"] = "1000 50 50", ["0:audio"] = "0 29 29",
            ["7:8"] = "7 8 8", ["7"] = "7 0 0",
        })
        {
            Assert.Equal(ids + "\n", Ok(await _daemon.Do("exec", "-u", user, "u", "sh", "-c", Show)));
            Assert.Equal(ids + "\n",
                Ok(await _daemon.Do("run", "--rm", "-u", user, "--rootfs", _rootfs.FullName, "--", "sh", "-c", Show)));
        }
        foreach (var user in (string[])["daemon", "app:daemon"]) // the host has these, the container has not
        {
            var refused = await _daemon.Do("exec", "-u", user, "u", "true");
            Assert.Equal(125, refused.Status);
            Assert.Contains($"--user: \"{user}\": the container's /etc/", refused.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_a_user_root_has_its_groups_from_the_root_filesystem()
    {
        File.WriteAllText($"{_rootfs}/etc/group", "root:x:0:root\nbin:x:1:root,app\nwheel:x:10:root\nstaff:x:50:\n");
        Ok(await _daemon.Do("run", "-d", "--name", "u", "--rootfs", _rootfs.FullName, "--", "sleep", "1000"));
        Assert.Equal("0 0 0 1 10\n", Ok(await _daemon.Do("exec", "u", "sh", "-c", Show)));
        Assert.Equal("0 0 0 1 10\n", Ok(await _daemon.Do("run", "--rm", "--rootfs", _rootfs.FullName, "--", "sh", "-c", Show)));
        File.Delete($"{_rootfs}/etc/group");
        File.Delete($"{_rootfs}/etc/passwd"); // as of an image from scratch
        Assert.Equal("0 0 0\n", Ok(await _daemon.Do("run", "--rm", "--rootfs", _rootfs.FullName, "--", "sh", "-c", Show)));
        using (var file = File.Create($"{_rootfs}/etc/group")) file.SetLength(2 << 20);
        File.WriteAllText($"{_rootfs}/etc/passwd", Passwd);
        var refused = await _daemon.Do("run", "--rm", "--rootfs", _rootfs.FullName, "--", "sh", "-c", Show);
        Assert.Equal(125, refused.Status);
        Assert.Contains("etc/group: is larger than", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exec_never_reads_account_files_outside_of_the_container()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "u", "--rootfs", _rootfs.FullName, "--", "sleep", "1000"));
        var outside = Path.Join(Path.GetTempPath(), $"{_rootfs.Name}-passwd");
        File.WriteAllText(outside, "app:x:0:0::/:/bin/sh\n");
        try
        {
            foreach (var target in (string[])[outside, $"../../../../..{outside}", $"/proc/self/root{outside}"])
            {
                File.Delete($"{_rootfs}/etc/passwd");
                File.CreateSymbolicLink($"{_rootfs}/etc/passwd", target);
                var refused = await _daemon.Do("exec", "-u", "app", "u", "sh", "-c", Show);
                Assert.Equal((125, ""), (refused.Status, refused.Output));
            }
            File.Delete($"{_rootfs}/etc/passwd");
            Process.Start("mkfifo", [$"{_rootfs}/etc/passwd"]).WaitForExit();
            Assert.Contains("is not a regular file", (await _daemon.Do("exec", "-u", "app", "u", "sh")).Errors,
                StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(outside);
        }
    }

    [Fact]
    public async Task A_name_in_a_container_that_has_exited_is_refused_with_its_state()
    {
        Ok(await _daemon.Do("run", "-d", "--name", "u", "--rootfs", _rootfs.FullName, "--", "sh", "-c", "exit 3"));
        Ok(await _daemon.Do("wait", "u"));
        foreach (var user in (string[])["app", "1:1"])
        {
            var refused = await _daemon.Do("exec", "-u", user, "u", "sh");
            Assert.Equal(125, refused.Status);
            Assert.Contains("container u", refused.Errors, StringComparison.Ordinal);
            Assert.Contains("start it first", refused.Errors, StringComparison.Ordinal);
        }
    }
}
