using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Namespaces;

/// <summary>User and time namespaces, and namespaces joined by path.</summary>
public sealed class NamespaceTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task A_user_namespace_maps_the_containers_root_to_an_ordinary_user()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "id -u; cat /proc/self/uid_map; touch /tmp/mine && stat -c %u /tmp/mine; head -c 2 /dev/zero | wc "
            + "-c; echo x > /dev/null && echo null; grep CapEff /proc/self/status"], InUserNamespace);
        Assert.Equal(0, outcome.Status);
        var lines = outcome.Output.Split('\n');
        Assert.Equal("0", lines[0]);
        Assert.Equal(["0", "100000", "65536"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(["0", "2", "null"], lines[2..5]);
        Assert.Equal("CapEff:\t00000000a80425fb", lines[5]);
    }

    [Fact]
    public async Task Another_user_in_a_user_namespace_drops_roots_capabilities()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "id; grep -E 'Cap(Eff|Prm|Inh)' /proc/self/status"], spec => InUserNamespace(spec) with
        {
            Process = spec.Process! with {
                User = new UserSpec { Uid = 1000, Gid = 1001, AdditionalGids = [5] }, Capabilities = new CapabilitiesSpec() },
        });
        Assert.Contains("uid=1000", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("gid=1001", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("CapEff:\t0000000000000000", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exec_in_a_user_namespace_is_root_there()
    {
        var (container, _) = _containers.Create(InUserNamespace(TestContainers.Shell("sleep", "1000")));
        container.Start(Soon());
        Assert.Equal("0\n00000000a80425fb\n", await Exec(container, "id -u; sed -n 's/CapEff:.//p' /proc/self/status"));
    }

    [Fact]
    public async Task A_bind_source_that_the_namespaces_root_may_not_open_is_mounted()
    {
        var secret = Directory.CreateDirectory(
            Path.Join(_containers.Place, "secret"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Path.Join(secret.CreateSubdirectory("inner").FullName, "file"), "seen\n");
        var outcome = await _containers.RunAsync(["cat", "/mnt/file"], spec => InUserNamespace(spec) with
        {
            Mounts = [.. InUserNamespace(spec).Mounts,
                new MountSpec { Destination = "/mnt", Type = "bind", Source = Path.Join(secret.FullName, "inner"),
                Options = ["bind", "ro"] }],
        });
        Assert.Equal("seen\n", outcome.Output);
    }

    [Fact]
    public async Task A_device_that_the_host_has_not_or_has_differently_is_as_in_the_spec()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "stat -c '%t:%T %a %u:%g' /dev/mine /dev/kmsg; head -c 3 /dev/mine | wc -c; echo x >/dev/kmsg && "
            + "echo written"], spec => InUserNamespace(spec) with
        {
            Linux = InUserNamespace(spec).Linux! with
            {
                Devices =
                [
                    new DeviceSpec { Type = "c", Path = "/dev/mine", Major = 1, Minor = 5, FileMode = 0x1b0, Uid = 5, Gid = 6 },
                    new DeviceSpec { Type = "c", Path = "/dev/kmsg", Major = 1, Minor = 3 },
                ],
            },
        });
        Assert.Equal("1:5 660 5:6\n1:3 666 0:0\n3\nwritten\n", outcome.Output);
    }

    [Fact]
    public async Task Clocks_have_their_offsets_in_a_user_namespace_too()
    {
        var outcome = await _containers.RunAsync(["cat", "/proc/uptime"], spec => InUserNamespace(spec) with
        {
            Linux = InUserNamespace(spec).Linux! with
            {
                Namespaces = [.. InUserNamespace(spec).Linux!.Namespaces, new NamespaceSpec { Type = NamespaceKind.Time }],
                TimeOffsets = new Dictionary<string, TimeOffsetSpec> { ["boottime"] = new() { Secs = 1_000_000_000 } },
            },
        });
        Assert.InRange(double.Parse(outcome.Output.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture),
            1_000_000_000, 2_000_000_000);
    }

    [Fact]
    public async Task Clocks_of_a_time_namespace_have_the_offsets_of_the_spec()
    {
        Func<Spec, Spec> change = spec => spec with
        {
            Linux = spec.Linux! with
            {
                Namespaces = [.. spec.Linux.Namespaces, new NamespaceSpec { Type = "time" }],
                TimeOffsets = new Dictionary<string, TimeOffsetSpec> { ["boottime"] = new() { Secs = 1_000_000 },
                    ["monotonic"] = new() { Secs = 7, Nanosecs = 1 } },
            },
        };
        var outcome = await _containers.RunAsync(["sh", "-c", "cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets"], change);
        Assert.InRange(long.Parse(outcome.Output.Split('\n')[0]), 1_000_000, 1_000_000 + Environment.TickCount64 / 1000 + 60);
        Assert.Matches(@"boottime +1000000 +0", outcome.Output);

        var (container, _) = _containers.Create(change(TestContainers.Shell("sleep", "1000")));
        container.Start(Soon());
        Assert.InRange(long.Parse(await Exec(container, "cut -d. -f1 /proc/uptime")), 1_000_000, long.MaxValue);
    }

    [Theory]
    [InlineData("pid", "pid")]
    [InlineData("network", "net")]
    [InlineData("ipc", "ipc")]
    [InlineData("uts", "uts")]
    [InlineData("cgroup", "cgroup")]
    public async Task A_namespace_of_another_container_is_joined_by_path(string type, string file)
    {
        var (first, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        first.Start(Soon());
        var path = $"/proc/{first.Pid}/ns/{file}";
        var outcome = await _containers.RunAsync(
            ["readlink", $"/proc/self/ns/{file}"], spec => (type == "uts" ? spec with { Hostname = null } : spec) with
        {
            Linux = spec.Linux! with {
                Namespaces = [.. spec.Linux.Namespaces.Where(n => n.Type != type),
                new NamespaceSpec { Type = type, Path = path }] },
        });
        Assert.Equal(new FileInfo(path).LinkTarget + "\n", outcome.Output);
    }

    [Fact]
    public async Task A_user_namespace_and_a_time_namespace_of_another_container_are_joined()
    {
        var (first, _) = _containers.Create(InUserNamespace(TestContainers.Shell("sleep", "1000") with { }) is var s
            ? s with { Linux = s.Linux! with { Namespaces = [.. s.Linux.Namespaces, new NamespaceSpec { Type = "time" }] } } : s);
        first.Start(Soon());
        string user = $"/proc/{first.Pid}/ns/user", time = $"/proc/{first.Pid}/ns/time";
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "readlink /proc/self/ns/user /proc/self/ns/time; id -u"], spec => InUserNamespace(spec) with
        {
            Linux = InUserNamespace(spec).Linux! with
            {
                UidMappings = [], GidMappings = [],
                Namespaces = [.. spec.Linux!.Namespaces, new NamespaceSpec { Type = "user", Path = user },
                    new NamespaceSpec { Type = "time", Path = time }],
            },
        });
        Assert.Equal($"{new FileInfo(user).LinkTarget}\n{new FileInfo(time).LinkTarget}\n0\n", outcome.Output);
    }

    [Fact]
    public async Task A_new_user_namespace_can_be_combined_with_a_joined_network()
    {
        var (first, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        first.Start(Soon());
        var path = $"/proc/{first.Pid}/ns/net";
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "readlink /proc/self/ns/net; cat /proc/self/uid_map | wc -l"], spec =>
        {
            var inUser = InUserNamespace(spec);
            return inUser with
            {
                Mounts = [.. inUser.Mounts.Where(
                    m => m.Type != "sysfs" && !m.Destination.StartsWith("/sys", StringComparison.Ordinal))],
                Linux = inUser.Linux! with
                {
                    MaskedPaths = [], ReadonlyPaths = [],
                    Namespaces = [.. inUser.Linux.Namespaces.Where(n => n.Type != "network"),
                        new NamespaceSpec { Type = "network", Path = path }],
                },
            };
        });
        Assert.Equal($"{new FileInfo(path).LinkTarget}\n1\n", outcome.Output);
    }

    [Fact]
    public async Task A_mount_namespace_of_another_container_is_joined_and_its_root_is_unchanged()
    {
        var (first, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        first.Start(Soon());
        await Exec(first, "mkdir -p /tmp/root/bin; cp $(which busybox || echo /bin/busybox) /tmp/root/bin/busybox");
        var outcome = await _containers.RunAsync(["/bin/busybox", "readlink", "/proc/self/ns/mnt"], spec => spec with
        {
            Root = new RootSpec { Path = "/" },
            Mounts = [new MountSpec { Destination = "/proc", Type = "proc", Source = "proc" }],
            Linux = spec.Linux! with
            {
                MaskedPaths = [], ReadonlyPaths = [],
                Namespaces = [.. spec.Linux.Namespaces.Where(n => n.Type is not ("mount" or "pid")),
                    new NamespaceSpec { Type = "mount", Path = $"/proc/{first.Pid}/ns/mnt" },
                    new NamespaceSpec { Type = "pid", Path = $"/proc/{first.Pid}/ns/pid" }],
            },
        }, root: []);
        Assert.Equal((0, new FileInfo($"/proc/{first.Pid}/ns/mnt").LinkTarget + "\n"), (outcome.Status, outcome.Output));
        Assert.Equal("1\n", await Exec(first, "ls -d /proc/1 | wc -l"));
    }

    [Theory]
    [InlineData("/no/such", "does not exist")]
    [InlineData("/etc/hostname", "is not a namespace")]
    [InlineData("/proc/self/ns/ipc", "of another kind")]
    public void A_path_of_another_kind_of_namespace_is_refused_by_field(string path, string reason)
    {
        var e = Assert.Throws<InvalidSpecException>(() => _containers.Create(TestContainers.Shell("true") is var spec
            ? spec with { Linux = spec.Linux! with {
                Namespaces = [.. spec.Linux.Namespaces.Where(n => n.Type != "network"),
                new NamespaceSpec { Type = "network", Path = path }] } } : spec));
        Assert.Matches(@"^linux\.namespaces\[\d\]\.path$", e.Field);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    internal static Spec InUserNamespace(Spec spec) => spec with
    {
        Linux = spec.Linux! with
        {
            Namespaces = [.. spec.Linux.Namespaces, new NamespaceSpec { Type = "user" }],
            UidMappings = [new IdMappingSpec { ContainerID = 0, HostID = 100000, Size = 65536 }],
            GidMappings = [new IdMappingSpec { ContainerID = 0, HostID = 100000, Size = 65536 }],
        },
    };

    private async Task<string> Exec(Container container, string script)
    {
        var log = Path.Join(_containers.Place, Guid.NewGuid() + ".log");
        var process = TestContainers.Shell("sh", "-c", script).Process!;
        using var exec = container.Exec(new(SpecWriter.Write(process), new("", $"file://{log}", "", false)), Soon());
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        exec.Watch(_ => ended.SetResult());
        exec.Start(Soon());
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
        return File.ReadAllText(log);
    }

    private static CancellationToken Soon() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;
}
