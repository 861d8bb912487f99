using System.Text.Json;
using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Hooks;

/// <summary>The six points at which hooks run: their namespaces, their input, and the consequences of a failure.</summary>
public sealed class HookTests : IDisposable
{
    private readonly TestContainers _containers = new();

    private string Trace => Path.Join(_containers.Place, "trace");

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task Hooks_run_in_the_order_of_the_specification()
    {
        var outcome = await _containers.RunAsync(["sh", "-c", $"echo program >> {Trace}"], spec => WithTrace(spec) with
        {
            Hooks = new HooksSpec
            {
                Prestart = [Say("prestart")], CreateRuntime = [Say("createRuntime"), Say("again")],
                CreateContainer = [Say("createContainer")],
                StartContainer = [Say("startContainer")],
            },
        });
        Assert.Equal((0, ""), (outcome.Status, outcome.Output));
        Assert.Equal(["prestart", "createRuntime", "again", "createContainer", "startContainer", "program"],
            File.ReadLines(Trace));
    }

    [Fact]
    public void Each_hook_gets_the_state_with_the_pid_of_its_own_pid_namespace()
    {
        var spec = WithTrace(TestContainers.Shell("true")) with
        {
            Annotations = new Dictionary<string, string> { ["a"] = "b" },
            Hooks = new HooksSpec
            {
                CreateRuntime = [Run("cat > " + Trace + ".runtime")], CreateContainer = [Run("cat > " + Trace + ".container")],
                StartContainer = [Run("cat > " + Trace + ".start")], Poststart = [Run("cat > " + Trace + ".poststart")],
                Poststop = [Run("cat > " + Trace + ".poststop")],
            },
        };
        var (container, _) = _containers.Create(spec);
        container.Start(Soon());
        var (pid, bundle) = (container.Pid, container.Bundle!);
        container.End(TimeSpan.FromSeconds(20));

        foreach (var (point, status, seen) in new[] { ("runtime", "creating", pid), ("container", "creating", 1),
            ("start", "created", 1), ("poststart", "running", pid), ("poststop", "stopped", 0) })
        {
            var state = JsonDocument.Parse(File.ReadAllText($"{Trace}.{point}")).RootElement;
            Assert.Equal((point, status), (point, state.GetProperty("status").GetString()));
            Assert.Equal((point, seen), (point, state.TryGetProperty("pid", out var p) ? p.GetInt32() : 0));
            Assert.Equal("1.2.0", state.GetProperty("ociVersion").GetString());
            Assert.Equal(Path.GetFileName(bundle), state.GetProperty("id").GetString());
            Assert.Equal(bundle, state.GetProperty("bundle").GetString());
            Assert.Equal("b", state.GetProperty("annotations").GetProperty("a").GetString());
        }
    }

    [Fact]
    public void Runtime_hooks_run_in_our_namespaces_and_can_open_the_containers_by_pid()
    {
        var spec = WithTrace(TestContainers.Shell("true")) with
        {
            Hooks = new HooksSpec
            {
                Prestart = [Run("pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); readlink /proc/self/ns/net /proc/$pid/ns/net "
                    + $"/proc/self/ns/mnt /proc/$pid/ns/mnt > {Trace}; nsenter -t $pid -n ls /sys > /dev/null")],
            },
        };
        _containers.Create(spec);
        var lines = File.ReadAllLines(Trace);
        Assert.Equal(new FileInfo("/proc/self/ns/net").LinkTarget, lines[0]);
        Assert.NotEqual(lines[0], lines[1]);
        Assert.Equal(new FileInfo("/proc/self/ns/mnt").LinkTarget, lines[2]);
        Assert.NotEqual(lines[2], lines[3]);
    }

    [Fact]
    public async Task A_mount_made_by_a_createContainer_hook_in_the_rootfs_is_visible_in_the_container()
    {
        var outcome = await _containers.RunAsync(["cat", "/tmp/from-hook"], spec => WithTrace(spec) with
        {
            Hooks = new HooksSpec {
                CreateContainer = [Run(
                "bundle=$(sed 's/.*\"bundle\":\"\\([^\"]*\\).*/\\1/'); echo hello > $bundle/rootfs/tmp/from-hook; readlink "
                + "/proc/self/ns/uts > " + Trace)] },
        });
        Assert.Equal("hello\n", outcome.Output);
        Assert.NotEqual(new FileInfo("/proc/self/ns/uts").LinkTarget, File.ReadLines(Trace).First());
    }

    [Fact]
    public async Task Hooks_have_exactly_their_own_environment_and_arguments_and_no_open_descriptors()
    {
        Environment.SetEnvironmentVariable("HOOK_TEST_SECRET", "ours");
        await _containers.RunAsync(["true"], spec => WithTrace(spec) with
        {
            Process = spec.Process! with { Env = ["PATH=/usr/bin:/bin", "LD_PRELOAD=/evil.so"] },
            Hooks = new HooksSpec
            {
                CreateRuntime = [new HookSpec {
                    Path = "/bin/sh", Args =
                    ["zero", "-c", $"echo $0 $@ > {Trace}; tr '\\0' '\\n' < /proc/self/environ >> {Trace}; pwd >> {Trace}; ls "
                    + $"/proc/self/fd | tr '\\n' ' ' >> {Trace}", "one", "two"], Env = ["A=1"] }],
            },
        });
        var lines = File.ReadAllLines(Trace);
        Assert.Equal("one two", lines[0]);
        Assert.Contains("A=1", lines);
        Assert.DoesNotContain(
            lines, l => l.StartsWith("HOOK_TEST_SECRET", StringComparison.Ordinal)
            || l.StartsWith("LD_PRELOAD", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith(_containers.Place + "/supervisor-test", StringComparison.Ordinal)); // the bundle
        Assert.Equal("0 1 2 3 ", lines[^1]); // 3 is the directory that ls reads
    }

    [Theory]
    [InlineData("prestart")]
    [InlineData("createRuntime")]
    [InlineData("createContainer")]
    public void A_failing_hook_fails_the_creation_by_name_and_leaves_nothing(string point)
    {
        List<HookSpec> failing = [Run("echo it is broken >&2; exit 3")], poststop = [Say("poststop")];
        var spec = WithTrace(TestContainers.Shell("true")) with
        {
            Hooks = point switch
            {
                "prestart" => new HooksSpec { Prestart = failing, Poststop = poststop },
                "createRuntime" => new HooksSpec { CreateRuntime = failing, Poststop = poststop },
                _ => new HooksSpec { CreateContainer = failing, Poststop = poststop },
            },
        };
        var name = $"supervisor-test-hook-{point}-{Environment.ProcessId}";
        var e = Assert.Throws<HookException>(() => _containers.Create(spec, name: name));
        Assert.StartsWith( // runc's words, then the hook
            $"error running {point} hook #0: hooks.{point}[0] \"/bin/sh\": ", e.Message, StringComparison.Ordinal);
        Assert.Contains("status 3", e.Message, StringComparison.Ordinal);
        Assert.Contains("it is broken", e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Join(_containers.Place, name)));
        Assert.DoesNotContain(_containers.Host.Hierarchies.DirectoriesOf("/" + name).Values, Directory.Exists);
        Assert.Equal(["poststop"], File.ReadLines(Trace));
    }

    [Fact]
    public void A_hanging_hook_is_killed_after_its_timeout()
    {
        var spec = WithTrace(TestContainers.Shell("true")) with {
            Hooks = new HooksSpec { CreateRuntime = [Run("exec sleep 1000") with { Timeout = 1 }] } };
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Contains("timeout of 1 s", Assert.Throws<HookException>(() => _containers.Create(spec)).Message,
            StringComparison.Ordinal);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.9, 10);
    }

    [Theory]
    [InlineData("exit 7", null, "status 7")]
    [InlineData("echo said; echo on both >&2; exit 7", null, "status 7; it printed: said\non both")]
    [InlineData("kill -9 $$", null, "signal 9")]
    [InlineData("exec sleep 1000", 1, "timeout")]
    public void A_failing_startContainer_hook_fails_the_start(string script, int? timeout, string expected)
    {
        var (container, log) = _containers.Create(WithTrace(TestContainers.Shell("echo", "ran")) with
        {
            Hooks = new HooksSpec { StartContainer = [Say("first"), Run(script) with { Timeout = timeout }, Say("third")] },
        });
        var e = Assert.Throws<LaunchException>(() => container.Start(Soon()));
        Assert.Equal("error running startContainer hook #1: hooks.startContainer[1]", e.Step); // runc's words
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Equal(["first"], File.ReadLines(Trace));
        Assert.Equal("", File.ReadAllText(log));
    }

    [Fact]
    public void A_missing_startContainer_hook_is_named()
    {
        var (container, _) =
            _containers.Create(TestContainers.Shell("true") with {
            Hooks = new HooksSpec { StartContainer = [new HookSpec { Path = "/no/such" }] } });
        var e = Assert.Throws<LaunchException>(() => container.Start(Soon()));
        Assert.Contains("hooks.startContainer[0] \"/no/such\"", e.Message, StringComparison.Ordinal);
        Assert.Contains("ENOENT", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failing_poststop_hook_is_a_warning_and_stops_nothing()
    {
        var (container, _) = _containers.Create(WithTrace(TestContainers.Shell("sleep", "1000")) with
        {
            Hooks = new HooksSpec { Poststop = [Run("exit 5"), Say("poststop")] },
        });
        container.Start(Soon());
        container.End(TimeSpan.FromSeconds(20));
        Assert.Equal(["poststop"], File.ReadLines(Trace));
        Assert.Contains(
            "hooks.poststop[0] \"/bin/sh\": ", Assert.Single(_containers.Warnings.OfType<HookException>()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_failing_poststart_hook_kills_the_container()
    {
        var (container, _) = _containers.Create(WithTrace(TestContainers.Shell("sleep", "1000")) with
        {
            Hooks = new HooksSpec { Poststart = [Run("exit 4"), Say("poststart")] },
        });
        var e = Assert.Throws<HookException>(() => container.Start(Soon()));
        Assert.Contains("hooks.poststart[0] \"/bin/sh\": ", e.Message, StringComparison.Ordinal);
        Assert.Equal(137, container.Wait(TimeSpan.FromSeconds(20))?.Code);
        Assert.False(File.Exists(Trace));
    }

    [Fact]
    public void A_deadline_kills_a_hook_too()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var spec = TestContainers.Shell("true") with { Hooks = new HooksSpec { CreateRuntime = [Run("exec sleep 1000")] } };
        var name = $"supervisor-test-hook-deadline-{Environment.ProcessId}";
        Assert.ThrowsAny<OperationCanceledException>(() => Container.Create(_containers.Host, new ContainerRequest(
            Path.Join(_containers.Place, name), SpecWriter.Write(spec), TestContainers.HostRoot,
                Supervisor.Runtime.Stdio.StdioTargets.None, "/" + name), deadline.Token));
    }

    private static CancellationToken Soon() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    private HookSpec Say(string word) => Run($"echo {word} >> {Trace}");

    private static HookSpec Run(string script) =>
        new() { Path = "/bin/sh", Args = ["sh", "-c", script], Env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] };

    // The directory of the traces is mounted in the container for the hooks that run there.
    private Spec WithTrace(Spec spec) => spec with
    {
        Mounts = [.. spec.Mounts,
            new MountSpec { Destination = _containers.Place, Type = "bind", Source = _containers.Place,
            Options = ["bind", "rw"] }],
    };
}
