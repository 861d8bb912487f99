using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>Published container escapes of other runtimes, tried on ours. Each test names the vulnerability.</summary>
public sealed partial class EscapeTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact] // CVE-2016-9962, CVE-2019-5736
    public async Task A_process_entering_a_container_exposes_no_host_descriptor_and_no_writable_executable()
    {
        var capabilities = new CapabilitiesSpec {
            Bounding = [.. DefaultSpec.Capabilities, "CAP_SYS_PTRACE"],
            Effective = [.. DefaultSpec.Capabilities, "CAP_SYS_PTRACE"],
            Permitted = [.. DefaultSpec.Capabilities, "CAP_SYS_PTRACE"] };
        var spy = TestContainers.Shell("sh", "-c",
            "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] && continue; readlink $p/fd/* $p/cwd 2>/dev/null; (echo x "
                + "> $p/exe) 2>/dev/null && echo WROTE-EXE; done; done");
        var (container, log) = _containers.Create(spy with { Process = spy.Process! with { Capabilities = capabilities } });
        container.Start(Soon());
        for (var i = 0; i < 60; i++)
        {
            using var exec = container.Exec(
                new(SpecWriter.Write(TestContainers.Shell("true").Process!), Supervisor.Runtime.Stdio.StdioTargets.None), Soon());
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            exec.Watch(_ => ended.SetResult());
            exec.Start(Soon());
            await ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
        container.Signal(9);
        foreach (var line in File.ReadLines(log).Distinct())
        {
            Assert.NotEqual("WROTE-EXE", line);
            // its standard output; the rest is opened by loading a program
            if (line.StartsWith(_containers.Place, StringComparison.Ordinal))
                Assert.EndsWith(".log", line, StringComparison.Ordinal);
            else
                Assert.Matches(
                    @"^(/|/dev/null|/dev/pts.*|/proc.*|/(usr|lib|lib64|etc)/.*|pipe:.*|socket:.*|anon_inode:.*|/memfd:.*)$",
                    line);
        }
    }

    /// <summary>No seal prevents a change of mode of the init's executable, so that no two containers share it.</summary>
    [Fact]
    public async Task A_container_that_changes_its_inits_executable_affects_no_other()
    {
        static Spec WithInit(Spec spec) => spec with { Process = spec.Process! with { Init = true } };
        var changed = await _containers.RunAsync(["sh", "-c", "chmod 000 /proc/1/exe && stat -L -c %a /proc/1/exe"], WithInit);
        Assert.Equal("0\n", changed.Output);
        var next = await _containers.RunAsync(["sh", "-c", "stat -L -c %a:%U /proc/1/exe"], WithInit);
        Assert.Equal("777:root\n", next.Output);
    }

    [Fact]
    public async Task Masked_directories_are_one_empty_read_only_directory()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "for d in /etc /opt /var; do ls -A $d | wc -l; touch $d/x 2>/dev/null && echo WRITTEN; done; stat -c "
            + "%d /etc /opt /var | sort -u | wc -l"], spec => spec with
        {
            Linux = spec.Linux! with { MaskedPaths = ["/no/such", "/proc/keys", "/etc", "/opt", "/var"] },
        });
        Assert.Equal("0\n0\n0\n1\n", outcome.Output);
    }

    // a fresh /proc or /sys of a nested user namespace, thanks to the host's that --no-pivot leaves in the mount namespace
    [Theory]
    [InlineData("proc", false, false)]
    [InlineData("proc", true, false)]
    [InlineData("proc", true, true)]
    [InlineData("sysfs", true, false)]
    public async Task A_nested_user_namespace_cannot_mount_proc_or_sysfs_however_the_root_was_changed(
        string type, bool noPivot, bool userNamespace)
    {
        var outcome = await _containers.RunAsync(
            ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "sh", "-c",
                $"echo tried; mount -t {type} {type} /tmp && echo MOUNTED && echo '|x' >/tmp/sys/kernel/core_pattern && echo "
                + "WRITTEN"],
            spec => userNamespace ? Namespaces.NamespaceTests.InUserNamespace(spec) : spec, request: r =>
                r with { NoPivot = noPivot });
        Assert.Equal("tried\n",
            string.Concat(outcome.Output.Split('\n').Where(l => l is "tried" or "MOUNTED" or "WRITTEN").Select(l => l + "\n")));
        Assert.Contains("permission denied", outcome.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Without_pivot_root_no_mount_of_the_host_remains_under_the_containers_root()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "cat /proc/self/mountinfo"], request: r => r with { NoPivot = true });
        Assert.Equal(0, outcome.Status);
        Assert.All(outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), l =>
            Assert.DoesNotContain(_containers.Place, l.Split(' ')[4], StringComparison.Ordinal));
    }

    [Theory] // CVE-2019-19921, CVE-2023-27561, CVE-2023-28642
    [InlineData("proc")]
    [InlineData("sys")]
    public void A_proc_or_sys_that_is_a_symlink_is_refused(string name)
    {
        var image = Image();
        Directory.Delete(Path.Join(image, name));
        Directory.CreateDirectory(Path.Join(image, "elsewhere"));
        File.CreateSymbolicLink(Path.Join(image, name), "/elsewhere");
        var e = Assert.Throws<LaunchException>(
            () => _containers.Create(
            TestContainers.Shell("/bin/busybox") with { Root = new RootSpec { Path = image } }, root: []));
        Assert.Contains("ELOOP", e.Message, StringComparison.Ordinal);
    }

    // CVE-2021-30465, CVE-2024-45310: another process replaces a directory of a shared volume by a symlink while we mount in it
    [Fact]
    public async Task A_mount_target_replaced_by_a_symlink_does_not_escape_the_root()
    {
        var volume = Directory.CreateDirectory(Path.Join(_containers.Place, "volume")).FullName;
        var victim = Directory.CreateDirectory(Path.Join(_containers.Place, "victim")).FullName;
        Directory.CreateDirectory(Path.Join(volume, "real"));
        File.CreateSymbolicLink(Path.Join(volume, "link"), "../../../../../../../.." + victim);
        using var stop = new CancellationTokenSource();
        var exchanging = Task.Factory.StartNew(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                renameat2(-100, Path.Join(volume, "real"), -100, Path.Join(volume, "link"), 2 /* RENAME_EXCHANGE */);
                Thread.SpinWait(1000); // every rename restarts the kernel's lookups beneath a root
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var (made, image) = (0, Image());
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(4);)
        {
            var spec = TestContainers.Shell("/bin/busybox", "true") with { Root = new RootSpec { Path = image } };
            try
            {
                var (container, _) = _containers.Create(spec with
                {
                    Mounts =
                    [
                        .. spec.Mounts, new MountSpec {
                            Destination = "/tmp/volume", Type = "bind", Source = volume, Options = ["rbind"] },
                        new MountSpec { Destination = "/tmp/volume/real/deep/er", Type = "tmpfs", Source = "tmpfs" },
                    ],
                }, root: []);
                made++;
                container.End(TimeSpan.FromSeconds(20));
            }
            catch (LaunchException)
            {
                made++; // it lost the race and was refused
            }
            Assert.Empty(Directory.EnumerateFileSystemEntries(victim));
        }
        await stop.CancelAsync();
        await exchanging;
        Assert.InRange(made, 5, int.MaxValue);
        Assert.DoesNotContain(victim, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact] // CVE-2025-31133
    public async Task Masked_paths_are_covered_by_the_hosts_null_device_whatever_the_image_has()
    {
        var image = Image();
        Directory.CreateDirectory(Path.Join(image, "dev"));
        File.WriteAllText(Path.Join(image, "dev/null"), "not null");
        var outcome = await _containers.RunAsync(
            ["/bin/busybox", "stat", "-c", "%F %t:%T", "/proc/timer_list", "/proc/keys"], spec => spec with
        {
            Root = new RootSpec { Path = image },
            Mounts = [.. spec.Mounts.Where(m => !m.Destination.StartsWith("/dev", StringComparison.Ordinal))],
        }, root: []);
        Assert.Equal("character special file 1:3\ncharacter special file 1:3\n", outcome.Output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // with the host's root mapped to itself
    public async Task The_hosts_null_device_can_be_used_but_not_changed(bool userNamespace)
    {
        IdMappingSpec[] same = [new IdMappingSpec { ContainerID = 0, HostID = 0, Size = 65536 }];
        var before = await Node();
        try
        {
            var outcome = await _containers.RunAsync(
                ["/bin/busybox", "sh", "-c",
                "for f in /proc/keys /proc/timer_list /dev/null /proc/self/fd/0; do chmod 667 $f; chown 0:5 $f; "
                    + "touch -d '2001-01-01 00:00:00' $f; done 2>/dev/null; "
                    + "echo x >/proc/keys && cat /proc/keys - && echo usable"],
                spec => !userNamespace ? spec : spec with
                {
                    Linux = spec.Linux! with
                    {
                        UidMappings = same, GidMappings = same,
                        Namespaces = [.. spec.Linux.Namespaces, new NamespaceSpec { Type = "user" }],
                    },
                });
            Assert.Equal("usable\n", outcome.Output);
            Assert.Equal(before, await Node());
        }
        finally
        {
            File.SetUnixFileMode("/dev/null", (UnixFileMode)0b110_110_110);
            await CommandLine.RunAsync("chown", "0:0", "/dev/null");
        }

        static async Task<string> Node() => (await CommandLine.RunAsync("stat", "-c", "%a %u %g %y", "/dev/null")).Output;
    }

    [Fact] // CVE-2025-52881, CVE-2019-16884
    public async Task The_runtime_writes_proc_files_to_a_real_procfs_only()
    {
        var image = Image();
        var imitation = Directory.CreateDirectory(Path.Join(image, "proc/sys/kernel")).FullName;
        Directory.CreateDirectory(Path.Join(image, "proc/self"));
        foreach (var file in (string[])["shm_rmid_forced", "../../self/oom_score_adj"])
            File.WriteAllText(Path.Join(imitation, file), "untouched");
        var outcome = await _containers.RunAsync(
            ["/bin/busybox", "cat", "/proc/self/oom_score_adj", "/proc/sys/kernel/shm_rmid_forced"], spec => spec with
        {
            Root = new RootSpec { Path = image }, Process = spec.Process! with { OomScoreAdj = 99 },
            Mounts = [], Linux = spec.Linux! with {
                MaskedPaths = [], ReadonlyPaths = [],
                Sysctl = new Dictionary<string, string> { ["kernel.shm_rmid_forced"] = "1" } },
        }, root: []);
        Assert.Equal("untoucheduntouched", outcome.Output);
    }

    [Fact] // CVE-2024-21626
    public void A_working_directory_outside_the_root_is_refused_however_it_is_reached()
    {
        var image = Image();
        File.CreateSymbolicLink(Path.Join(image, "cwd"), "/proc/self/fd/3");
        using var host = Fd.Open("/etc", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        var spec = TestContainers.Shell("/bin/busybox", "pwd") with { Root = new RootSpec { Path = image } };
        Assert.Throws<LaunchException>(
            () => _containers.Create(
            spec with { Process = spec.Process! with { Cwd = "/cwd" } }, root: [], change: r => r with { Inherited = [host] }));
        for (var fd = 4; fd < 40; fd++)
        {
            File.Delete(Path.Join(image, "cwd"));
            File.CreateSymbolicLink(Path.Join(image, "cwd"), $"/proc/self/fd/{fd}");
            Assert.Throws<LaunchException>(
                () => _containers.Create(
                spec with { Process = spec.Process! with { Cwd = "/cwd" } }, root: [], change: r =>
                r with { Inherited = [host] }));
        }
    }

    [Fact] // CVE-2022-0492
    public async Task The_cgroup_file_systems_can_neither_be_written_nor_mounted_again()
    {
        var outcome = await _containers.RunAsync(["sh", "-c",
            "for f in $(find /sys/fs/cgroup -name 'release_agent' -o -name cgroup.procs -o -name devices.allow); do (echo a > "
                + "$f) 2>/dev/null && echo WROTE $f; done; mkdir /tmp/c; mount -t cgroup -o memory x /tmp/c 2>/dev/null && "
                + "echo MOUNTED; unshare -UrmC sh -c 'mount -t cgroup -o rdma x /tmp/c' 2>/dev/null && echo MOUNTED-IN-USER; "
                + "echo done"]);
        Assert.Equal("done\n", outcome.Output);
    }

    [Fact] // CVE-2022-24769, CVE-2022-29162
    public async Task An_exec_has_no_inheritable_capability()
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        container.Start(Soon());
        var log = Path.Join(_containers.Place, "exec.log");
        using var exec = container.Exec(
            new(SpecWriter.Write(TestContainers.Shell("grep", "CapInh", "/proc/self/status").Process!),
            new("", $"file://{log}", "", false)), Soon());
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        exec.Watch(_ => ended.SetResult());
        exec.Start(Soon());
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("CapInh:\t0000000000000000\n", File.ReadAllText(log));
    }

    [Theory] // crun 1.28, containerd: paths that lead out
    [InlineData("/../escaped")]
    [InlineData("a/../../b")]
    [InlineData("/a//b")]
    public void A_cgroup_path_cannot_escape(string path)
    {
        var spec = TestContainers.Shell("true");
        var e = Assert.Throws<InvalidSpecException>(
            () => _containers.Create(spec with { Linux = spec.Linux! with { CgroupsPath = path } }));
        Assert.Equal("linux.cgroupsPath", e.Field);
    }

    [Fact] // CVE-2022-0811
    public void A_sysctl_outside_the_containers_namespaces_is_refused()
    {
        var spec = TestContainers.Shell("true");
        foreach (var (name, value) in new[] { ("kernel.core_pattern", "|/evil"),
            ("kernel.shm_rmid_forced", "1\nkernel.core_pattern=x"), ("net/../kernel/core_pattern", "x"),
            ("vm.overcommit_memory", "1") })
            Assert.Throws<InvalidSpecException>(
                () => _containers.Create(
                spec with { Linux = spec.Linux! with { Sysctl = new Dictionary<string, string> { [name] = value } } }));
    }

    [Fact]
    public async Task The_container_does_not_share_our_session_keyring()
    {
        // /proc/keys shows the keys visible to root; the init has joined the keyring named after this container.
        var outcome = await _containers.RunAsync(["grep", "-c", "_ses.keyring-of-this-test", "/proc/keys"], spec => spec with
        {
            Linux = spec.Linux! with { MaskedPaths = [] },
        }, request: r => r with { Id = "keyring-of-this-test" });
        Assert.Equal("1\n", outcome.Output);
    }

    // An image with nothing but a static shell.
    private string Image()
    {
        var image = Path.Join(_containers.Place, $"image{Interlocked.Increment(ref _last)}");
        foreach (var name in (string[])["bin", "proc", "sys", "dev", "tmp", "run"])
            Directory.CreateDirectory(Path.Join(image, name));
        ProgramCopy.OfBusybox(Path.Join(image, "bin/busybox"));
        return image;
    }

    private static int _last;

    private static CancellationToken Soon() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int renameat2(int directory, string path, int otherDirectory, string other, uint flags);
}
