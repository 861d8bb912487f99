using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>The lifecycle of a container: reports, refusals and cleanup.</summary>
public sealed class LifecycleTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -TERM $$; exit 3", 3)] // the init of a pid namespace is not killed from inside
    [InlineData("true", 0)]
    public async Task The_exit_status_is_that_of_the_program(string script, int status) =>
        Assert.Equal(status, (await _containers.RunAsync(["sh", "-c", script])).Status);

    [Fact]
    public async Task A_container_killed_from_outside_exits_with_128_and_the_signal()
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        container.Start(CancellationToken.None);
        Assert.True(container.Signal((int)Signal.SIGKILL));
        Assert.Equal(137, (await exit.Task.WaitAsync(Patience))!.Value.Code);
        Assert.False(container.Signal((int)Signal.SIGKILL));
    }

    [Fact]
    public void A_created_container_waits_in_our_immutable_stub()
    {
        var (container, log) = _containers.Create(TestContainers.Shell("echo", "ran"));
        Assert.Contains("memfd:supervisor-init", new FileInfo($"/proc/{container.Pid}/exe").LinkTarget, StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(log));
        // ETXTBSY while it runs, and sealed
        Assert.ThrowsAny<IOException>(() => File.OpenWrite($"/proc/{container.Pid}/exe"));
    }

    [Fact]
    public async Task An_out_of_memory_kill_is_reported_before_the_exit()
    {
        var outcome = await _containers.RunAsync(["sh", "-c", "tail /dev/zero"], spec => spec with
        {
            Linux = spec.Linux! with { Resources = new ResourcesSpec { Memory = new MemorySpec { Limit = 32 << 20 } } },
        });
        Assert.True(outcome.OomKilled);
        Assert.Equal(137, outcome.Status);
    }

    [Theory]
    [InlineData("/no/such", Errno.ENOENT)]
    [InlineData("no-such-program", Errno.ENOENT)]
    [InlineData("/etc/passwd", Errno.EACCES)]
    public void A_program_that_cannot_be_executed_fails_the_create_by_name(string program, Errno errno)
    {
        var e = Assert.Throws<LaunchException>(
            () => _containers.Create(TestContainers.Shell(program), name: "supervisor-test-noexec"));
        Assert.Equal(errno, e.Errno);
        Assert.Contains($"\"{program}\"", e.Message, StringComparison.Ordinal);
        NothingIsLeftOf("supervisor-test-noexec");
    }

    [Fact]
    public void A_root_that_is_not_a_directory_is_refused_by_field()
    {
        var spec = TestContainers.Shell("true") with { Root = new RootSpec { Path = "/no/such/rootfs" } };
        var e = Assert.Throws<InvalidSpecException>(() => _containers.Create(spec, root: [], name: "supervisor-test-noroot"));
        Assert.Equal("root.path", e.Field);
        NothingIsLeftOf("supervisor-test-noroot");
    }

    [Fact]
    public void A_missing_fifo_is_refused_by_field()
    {
        var e = Assert.Throws<InvalidStdioException>(() =>
            _containers.Create(TestContainers.Shell("true"), name: "supervisor-test-nofifo",
                stdio: new StdioTargets("", "/no/such/fifo", "", false)));
        Assert.Equal("stdout", e.Field);
        NothingIsLeftOf("supervisor-test-nofifo");
    }

    [Fact]
    public void A_failing_mount_leaves_nothing()
    {
        var spec = TestContainers.Shell("true");
        spec = spec with { Mounts = [.. spec.Mounts, new MountSpec { Destination = "/tmp/x", Type = "no-such-filesystem" }] };
        var e = Assert.Throws<LaunchException>(() => _containers.Create(spec, name: "supervisor-test-nomount"));
        Assert.Equal((Errno.ENODEV, "fsopen \"no-such-filesystem\""), (e.Errno, e.Step));
        NothingIsLeftOf("supervisor-test-nomount");
    }

    [Fact]
    public void A_symlink_at_proc_in_the_image_is_refused()
    {
        var image = Image();
        Directory.CreateSymbolicLink(Path.Join(image, "proc"), "/etc");
        var spec = TestContainers.Shell("/bin/true") with { Root = new RootSpec { Path = image } };
        var e = Assert.Throws<LaunchException>(() => _containers.Create(spec, root: [], name: "supervisor-test-proclink"));
        Assert.Equal(Errno.ELOOP, e.Errno);
        NothingIsLeftOf("supervisor-test-proclink");
    }

    [Fact]
    public void A_working_directory_that_is_a_descriptor_is_refused_whatever_its_number()
    {
        for (var fd = 0; fd < 64; fd++) // CVE-2024-21626
        {
            var spec = TestContainers.Shell("true");
            spec = spec with { Process = spec.Process! with { Cwd = $"/proc/self/fd/{fd}" } };
            Assert.Throws<InvalidSpecException>(() => _containers.Create(spec, name: "supervisor-test-cwd"));
            spec = spec with { Process = spec.Process! with { Cwd = $"/proc/1/../self/fd/{fd}" } };
            Assert.Throws<LaunchException>(() => _containers.Create(spec, name: "supervisor-test-cwd"));
        }
        NothingIsLeftOf("supervisor-test-cwd");
    }

    [Fact]
    public void A_symlink_out_of_the_image_is_resolved_inside_it()
    {
        var image = Image();
        Directory.CreateSymbolicLink(Path.Join(image, "data"), "/../../escape");
        Directory.CreateDirectory(Path.Join(image, "escape"));
        var spec = TestContainers.Shell("/bin/true") with { Root = new RootSpec { Path = image } };
        spec = spec with { Mounts =
            [.. spec.Mounts, new MountSpec { Destination = "/data/deep", Type = "tmpfs", Source = "tmpfs" }] };
        _containers.Create(spec, root: []);
        Assert.False(Directory.Exists("/escape"));
        Assert.True(Directory.Exists(Path.Join(image, "escape", "deep")));
    }

    [Fact]
    public async Task A_terminal_is_the_standard_streams_and_the_console_and_its_output_arrives_before_the_exit()
    {
        var output = Path.Join(_containers.Place, "tty.log");
        File.WriteAllText(output, "");
        var spec = TestContainers.Shell("sh", "-c", "tty; stty size; echo err >&2; test -c /dev/console && echo console");
        spec = spec with { Process = spec.Process! with {
            Terminal = true, ConsoleSize = new ConsoleSizeSpec { Height = 33, Width = 111 } } };
        var (container, _) = _containers.Create(spec, stdio: new StdioTargets("", output, "", true));
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        container.Start(CancellationToken.None);
        await exit.Task.WaitAsync(Patience);
        Assert.Equal("/dev/pts/0\n33 111\nerr\nconsole\n", File.ReadAllText(output).Replace("\r", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_container_is_adopted_only_if_pid_start_time_and_boot_match()
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        container.Start(CancellationToken.None);
        Assert.Null(Container.TryAdopt(
            _containers.Host, "/none", new ProcessIdentity(container.Pid, container.StartTime + 1, ProcStat.BootId),
            container.Cgroup.Paths));
        Assert.Null(Container.TryAdopt(
            _containers.Host, "/none", new ProcessIdentity(container.Pid, container.StartTime, "another boot"),
            container.Cgroup.Paths));
        using var adopted = Container.TryAdopt(
            _containers.Host, "/none", new ProcessIdentity(container.Pid, container.StartTime, ProcStat.BootId),
            container.Cgroup.Paths);
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        adopted!.Watch(end => exit.SetResult(end.Status));
        Assert.True(container.Signal((int)Signal.SIGKILL));
        Assert.Equal(137, (await exit.Task.WaitAsync(Patience))!.Value.Code);
    }

    private string Image()
    {
        var image = Directory.CreateDirectory(Path.Join(_containers.Place, "image")).FullName;
        Directory.CreateDirectory(Path.Join(image, "bin"));
        ProgramCopy.OfBusybox(Path.Join(image, "bin", "busybox"));
        File.CreateSymbolicLink(Path.Join(image, "bin", "true"), "busybox");
        return image;
    }

    private void NothingIsLeftOf(string name)
    {
        Assert.False(Directory.Exists(Path.Join(_containers.Place, name)), "the bundle was not removed");
        foreach (var directory in _containers.Host.Hierarchies.DirectoriesOf($"/{name}").Values)
            Assert.False(Directory.Exists(directory), $"{directory} was not removed");
        Assert.DoesNotContain(name, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }
}
