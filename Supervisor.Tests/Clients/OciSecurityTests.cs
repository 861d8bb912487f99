using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// Published attacks on container runtimes through images, bundles and arguments, on supervisor-oci's command line.
/// </summary>
public sealed partial class OciSecurityTests : IDisposable
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    private string Victim => Directory.CreateDirectory(Path.Join(_oci.Place, "victim")).FullName;

    public void Dispose() => _oci.Dispose();

    [Theory] // CVE-2025-52565, CVE-2026-41579, CVE-2026-47766
    [InlineData("dev")]
    [InlineData("dev/pts")]
    [InlineData("dev/console")]
    [InlineData("dev/null")]
    public async Task A_device_path_that_is_a_symlink_does_not_escape_the_root(string path)
    {
        var file = Path.Join(Victim, "file");
        await File.WriteAllTextAsync(file, "untouched");
        if (path == "dev") Directory.Delete(Path.Join(_oci.Rootfs, "dev"));
        var outside = path is "dev/console" or "dev/null" ? file : Victim;
        File.CreateSymbolicLink(Path.Join(_oci.Rootfs, path), "../../../../../../../../.." + outside);
        // The image's own /dev: a tmpfs on top would hide the image's symlinks.
        await _oci.Configure(["echo", "ran"], c =>
        {
            c["process"]!["terminal"] = true;
            Without(c, m => m is "/dev" or "/dev/shm" or "/dev/mqueue" || m == "/dev/pts" && path == "dev");
        });
        await _oci.InTerminal("run", _id); // it may run or be refused: either is safe
        Assert.Equal("untouched", await File.ReadAllTextAsync(file));
        Assert.Equal([file], Directory.EnumerateFileSystemEntries(Victim));
        Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(file));
        NothingOfIt();
    }

    [Fact] // a container's root is the host's, whose node it is
    public async Task The_callers_null_device_can_be_used_but_not_changed()
    {
        await _oci.Configure(
            ["sh", "-c", "/bin/busybox chmod 667 /proc/self/fd/0 /proc/self/fd/2; /bin/busybox cat; echo x >&2; echo usable"]);
        var before = await Node();
        try
        {
            var ran = Ok(await CommandLine.RunAsync(
                "bash", "-c", "\"$@\" </dev/null 2>/dev/null", "bash", Executable, "--root", _oci.Root, "run", "--bundle",
                _oci.Bundle, _id));
            Assert.Equal("usable\n", ran);
            Assert.Equal(before, await Node());
        }
        finally
        {
            File.SetUnixFileMode("/dev/null", (UnixFileMode)0b110_110_110);
            await CommandLine.RunAsync("chown", "0:0", "/dev/null");
        }

        static async Task<string> Node() => (await CommandLine.RunAsync("stat", "-c", "%a %u %g %y", "/dev/null")).Output;
    }

    [Fact] // CVE-2025-52565, CVE-2025-31133: another process replaces devices and masked paths while we create them
    public async Task Devices_replaced_by_symlinks_while_a_container_starts_do_not_escape_the_root()
    {
        var file = Path.Join(Victim, "file");
        await File.WriteAllTextAsync(file, "untouched");
        var dev = Path.Join(_oci.Rootfs, "dev");
        Directory.CreateDirectory(Path.Join(dev, "pts"));
        File.CreateSymbolicLink(Path.Join(dev, "pts-link"), "../../../../../../../../.." + Victim);
        await File.WriteAllTextAsync(Path.Join(dev, "console"), "");
        File.CreateSymbolicLink(Path.Join(dev, "console-link"), "../../../../../../../../.." + file);
        await File.WriteAllTextAsync(Path.Join(dev, "null"), "no device");
        File.CreateSymbolicLink(Path.Join(dev, "null-link"), "/proc/sys/kernel/core_pattern");
        await _oci.Configure(["/bin/busybox", "stat", "-c", "%F %t:%T", "/proc/keys", "/proc/timer_list"], c =>
        {
            c["process"]!["terminal"] = true;
            Without(c, m => m is "/dev" or "/dev/shm" or "/dev/mqueue");
        });
        using var stop = new CancellationTokenSource();
        var exchanging = Task.Factory.StartNew(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                foreach (var name in (string[])["pts", "console", "null"])
                    renameat2(-100, Path.Join(dev, name), -100, Path.Join(dev, name + "-link"), 2 /* RENAME_EXCHANGE */);
                Thread.SpinWait(2000);
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var (ran, refused) = (0, 0);
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(8) || ran + refused < 3;)
        {
            var outcome = await _oci.InTerminal("run", _id);
            if (outcome.Status == 0)
            {
                ran++; // masked by the host's null device, whatever the image has there
                Assert.Equal(2, outcome.Output.Split("character special file 1:3").Length - 1);
            }
            else refused++;
            Assert.Equal("untouched", await File.ReadAllTextAsync(file));
            Assert.Equal([file], Directory.EnumerateFileSystemEntries(Victim));
        }
        await stop.CancelAsync();
        await exchanging;
        NothingOfIt();
    }

    [Theory] // CVE-2026-47262, M1
    [InlineData("huge", "/")]
    [InlineData("fifo", "/")]
    [InlineData("device", "/")]
    [InlineData("directory", "/")]
    [InlineData("outside", "/")]
    [InlineData("inside", "/inside")]
    [InlineData("own", "/own")]
    public async Task The_images_passwd_is_read_within_bounds_and_within_the_image(string kind, string home)
    {
        var passwd = Path.Join(_oci.Rootfs, "etc/passwd");
        var outside = Path.Join(Victim, "passwd");
        await File.WriteAllTextAsync(outside, "user:x:1000:1000::/leaked:/bin/sh\n");
        switch (kind)
        {
            case "huge":
                await using (var file = File.Create(passwd)) file.SetLength(10L << 30); // sparse
                break;
            case "fifo": Ok(await CommandLine.RunAsync("mkfifo", passwd)); break;
            case "device": Ok(await CommandLine.RunAsync("mknod", passwd, "c", "1", "5")); break; // endless zeros
            case "directory": Directory.CreateDirectory(passwd); break;
            case "outside": File.CreateSymbolicLink(passwd, "../../../../../../../../.." + outside); break;
            case "inside":
                await File.WriteAllTextAsync(Path.Join(_oci.Rootfs, "mnt/passwd"), "user:x:1000:1000::/inside:/bin/sh\n");
                File.CreateSymbolicLink(passwd, "/mnt/passwd");
                break;
            default: await File.WriteAllTextAsync(passwd, "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/own:/bin/sh\n"); break;
        }
        await _oci.Configure(["sh", "-c", "echo $HOME; exec sleep 1000"], c => c["process"]!["user"]!["uid"] = 1000);
        Ok(await _oci.Leave("run", "-d", _id));
        Assert.Equal(home + "\n", await _oci.Printed("\n"));
        Assert.Equal(home + "\n", Ok(await _oci.Do("exec", _id, "sh", "-c", "echo $HOME")));
        Assert.Equal("/said\n", Ok(await _oci.Do("exec", "-e", "HOME=/said", _id, "sh", "-c", "echo $HOME")));
    }

    [Fact] // CVE-2024-40635, CVE-2026-46680, CVE-2026-30892
    public async Task A_user_that_is_out_of_range_or_malformed_never_becomes_another_user()
    {
        foreach (var uid in (string[])["4294967295", "4294967296", "-1", "1.5", "\"0\"", "\"root\"", "2147483648000"])
        {
            await _oci.Configure(["id"], c => c["process"]!["user"]!["uid"] = JsonNode.Parse(uid));
            Fails(await _oci.Do("run", _id), 1, "process.user.uid");
        }
        await _oci.Configure(["sleep", "1000"]);
        await File.WriteAllTextAsync(Path.Join(_oci.Rootfs, "etc/passwd"), "4294967296:x:0:0::/:/bin/sh\n 0:x:0:0::/:/bin/sh\n");
        Ok(await _oci.Leave("run", "-d", _id));
        string[] refused =
        [
            "4294967295", "4294967296", "18446744073709551616", "-1", "+0", "0x0", " 0", "0 ", "root",
            ":", "0:", ":0", "0:0:0", "1e3", "1.0", "٠",
        ];
        foreach (var user in refused)
            Fails(await _oci.Do("exec", "--user", user, _id, "id"), 255, "--user");
        (string User, uint Uid, uint Gid)[] taken =
        [
            ("0", 0, 0), ("4294967294", 4294967294, 0), ("2147483648:4294967294", 2147483648, 4294967294), ("007:08", 7, 8),
        ];
        foreach (var (user, uid, gid) in taken)
        {
            var seen = Ok(await _oci.Do("exec", "--user", user, _id, "grep", "id:\t.*\t.*\t", "/proc/self/status"));
            Assert.Equal($"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\n", seen);
        }
    }

    [Fact] // crun 1.28
    public async Task An_id_that_escapes_the_root_touches_nothing_outside_with_any_verb()
    {
        var file = Path.Join(Victim, "state.json");
        await File.WriteAllTextAsync(file, "{}");
        var log = Path.Join(_oci.Place, "log");
        string[][] verbs =
        [
            ["delete", "--force"], ["delete"], ["state"], ["kill"], ["start"], ["pause"], ["resume"], ["ps"], ["update"],
            ["events", "--stats"], ["exec"], ["create"], ["run"],
        ];
        foreach (var id in (string[])["../victim", "x/../../victim", Victim, "..", ".", "a\nb", "a\tb", "a;b", "%2e%2e"])
            foreach (var verb in verbs)
            {
                string[] program = verb is ["exec"] ? ["true"] : [];
                var outcome = await CommandLine.RunAsync(
                    Executable, ["--log", log, "--root", _oci.Root, .. verb, id, .. program]);
                Assert.NotEqual(0, outcome.Status);
                Assert.Contains("invalid container ID format", outcome.Errors, StringComparison.Ordinal);
            }
        Assert.Equal("{}", await File.ReadAllTextAsync(file));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
    }

    [Theory] // crun 1.28, containerd
    [InlineData("../../escaped")]
    [InlineData("/a/../../escaped")]
    [InlineData("/")]
    [InlineData("/a//b")]
    [InlineData("/a/./b")]
    [InlineData("/a\nb")]
    public async Task A_cgroup_path_with_parent_components_is_refused(string path)
    {
        await _oci.Configure(["true"], c => c["linux"]!["cgroupsPath"] = path);
        Fails(await _oci.Do("run", _id), 1, "linux.cgroupsPath");
    }

    [Fact]
    public async Task An_exec_can_join_cgroups_below_the_containers_own_and_no_others()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        var state = JsonNode.Parse(await File.ReadAllTextAsync(Path.Join(_oci.Root, _id, "state.json")))!;
        var paths = state["cgroupPaths"]!.AsObject().ToDictionary(p => p.Key, p => (string)p.Value!);
        var some = paths.Keys.Order(StringComparer.Ordinal).First(k => k is "memory" or "unified" or "pids");
        Directory.CreateDirectory(Path.Join(paths[some], "sub", "deep"));
        foreach (var path in (string[])["..", "../..", "sub/../..", "/..", "../" + _id])
        {
            Fails(await _oci.Do("exec", "--cgroup", path, _id, "true"), 255, "is not a sub cgroup path");
            Fails(await _oci.Do("exec", "--cgroup", $"{some}:{path}", _id, "true"), 255, "is not a sub cgroup path");
        }
        Fails(await _oci.Do("exec", "--cgroup", "absent", _id, "true"), 255, "adding pid");
        Fails(await _oci.Do("exec", "--cgroup", $"{some}:absent", _id, "true"), 255, "no such file or directory");
        foreach (var path in (string[])["sub", "/sub", "sub/deep/", "/"])
        {
            var printed = Ok(await _oci.Do("exec", "--cgroup", $"{some}:{path}", _id, "cat", "/proc/self/cgroup"));
            var lines = printed.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var below = path.Trim('/') is { Length: > 0 } inner ? $"/{inner}" : "";
            Assert.Contains(lines, l => IsOf(some, l) && l.EndsWith(below, StringComparison.Ordinal));
            var moved = lines.Count(l => l.EndsWith(below, StringComparison.Ordinal));
            Assert.True(below.Length == 0 || moved == 1, "another controller's cgroup was left too");
        }

        static bool IsOf(string controller, string line) => controller == "unified"
            ? line.StartsWith("0::", StringComparison.Ordinal) : line.Contains($":{controller}:", StringComparison.Ordinal);
    }

    [Fact] // CVE-2026-55686: an image's symlink on the path to a missing working directory
    public async Task A_working_directory_is_created_within_the_root_despite_symlinks()
    {
        File.CreateSymbolicLink(Path.Join(_oci.Rootfs, "out"), "../../../../../../../../.." + Victim);
        await _oci.Configure(["pwd"], c => c["process"]!["cwd"] = "/out/new/er");
        await _oci.Do("run", _id); // the link is dangling in the root: it may be refused
        Assert.Empty(Directory.EnumerateFileSystemEntries(Victim));
        Directory.CreateDirectory(Path.Join(_oci.Rootfs, "inside"));
        File.CreateSymbolicLink(Path.Join(_oci.Rootfs, "in"), "/inside");
        await _oci.Configure(["pwd"], c => c["process"]!["cwd"] = "/in/new/er");
        Assert.Equal("/inside/new/er\n", Ok(await _oci.Do("run", _id)));
        Assert.True(Directory.Exists(Path.Join(_oci.Rootfs, "inside/new/er")));
    }

    [Fact] // CVE-2019-16884, CVE-2025-52881
    public async Task Only_a_procfs_is_mounted_on_proc_and_only_a_procfs_is_written_as_one()
    {
        await _oci.Configure(["true"],
            c => c["mounts"]!.AsArray().Add(JsonNode.Parse("""{"destination":"/proc","type":"tmpfs","source":"tmpfs"}""")));
        Fails(await _oci.Do("run", _id), 1, "only a procfs may be mounted on /proc");
        await _oci.Configure(["true"],
            c => c["mounts"]!.AsArray()
                .Add(JsonNode.Parse("""{"destination":"/proc/self/attr","type":"tmpfs","source":"tmpfs"}""")));
        Fails(await _oci.Do("run", _id), 1, "inside /proc");
        var imitation = Directory.CreateDirectory(Path.Join(_oci.Rootfs, "proc/sys/kernel")).FullName;
        await File.WriteAllTextAsync(Path.Join(imitation, "shm_rmid_forced"), "untouched");
        await _oci.Configure(["cat", "/proc/sys/kernel/shm_rmid_forced"], c =>
        {
            Without(c, m => m == "/proc");
            c["linux"]!["maskedPaths"] = new JsonArray();
            c["linux"]!["readonlyPaths"] = new JsonArray();
            c["linux"]!["sysctl"] = JsonNode.Parse("""{"kernel.shm_rmid_forced":"1"}""");
        });
        Assert.Equal("untouched", Ok(await _oci.Do("run", _id)));
    }

    private void NothingOfIt() =>
        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), l => l.Contains(_oci.Place, StringComparison.Ordinal));

    private static void Without(JsonNode config, Func<string, bool> destination)
    {
        var mounts = config["mounts"]!.AsArray();
        foreach (var mount in mounts.Where(m => destination((string)m!["destination"]!)).ToList()) mounts.Remove(mount);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int renameat2(int directory, string path, int otherDirectory, string other, uint flags);
}
