using System.Text.RegularExpressions;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Launch;

/// <summary>The trace of a launch: each call with its result and microseconds, also of one that fails.</summary>
public sealed partial class LaunchTraceTests : IDisposable
{
    private readonly TestContainers _containers = new();
    private readonly string _file;

    public LaunchTraceTests()
    {
        _file = Path.Join(_containers.Place, "trace");
        File.WriteAllText(_file, "");
    }

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task Each_call_of_a_launch_is_a_line_with_its_result_and_microseconds()
    {
        var traced = await _containers.RunAsync(["echo", "out"], request: r => r with { Trace = _file });
        Assert.Equal((0, "out\n"), (traced.Status, traced.Output));
        var lines = await File.ReadAllLinesAsync(_file);
        Assert.All(lines, line => Assert.Matches(Line(), line));
        Assert.InRange(lines.Length, 100, 2000);
        Assert.Contains(lines, l => l.Contains("us  fsopen \"proc\" (&, 1) = ", StringComparison.Ordinal)); // a descriptor
        Assert.Contains(lines, l => l.Contains("us  pivot_root", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("us  capset", StringComparison.Ordinal)); // of the second half
        Assert.Contains("from the start to execve = 0", lines[^1], StringComparison.Ordinal);
        Assert.Contains(lines, l => l.EndsWith(" (tolerated)", StringComparison.Ordinal));
        var known = lines.Where(l => !l.EndsWith('?')).ToList();
        Assert.True(known.Count > lines.Length * 0.9, $"{known.Count} of {lines.Length} results are known");
    }

    [Fact]
    public async Task The_call_that_fails_is_the_last_one()
    {
        await Assert.ThrowsAsync<LaunchException>(() => _containers.RunAsync(["true"],
            spec => spec with
            {
                Mounts = [.. spec.Mounts, new MountSpec { Destination = "/mnt", Type = "nosuchfs", Source = "x" }],
            },
            request: r => r with { Trace = _file }));
        await EndsWith("fsopen \"nosuchfs\" (&, 1) = ENODEV");
    }

    [Fact]
    public async Task A_program_that_is_missing_is_the_failure_of_the_start()
    {
        await Assert.ThrowsAsync<LaunchException>(
            () => _containers.RunAsync(["/no/such"], request: r => r with { Trace = _file }));
        await EndsWith("= ENOENT");
    }

    [Fact]
    public async Task A_failure_of_the_second_half_is_its_last_call()
    {
        await Assert.ThrowsAsync<LaunchException>(() => _containers.RunAsync(["true"],
            spec => spec with
            {
                Process = spec.Process! with
                {
                    Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 1, Hard = ulong.MaxValue }],
                },
            },
            request: r => r with { Trace = _file }));
        await EndsWith("= EPERM");
    }

    [Fact]
    public async Task A_container_that_joins_namespaces_and_a_filter_that_forbids_the_clock_are_traced()
    {
        var (first, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        first.Start(deadline.Token);
        foreach (var kind in (string[])["network", "ipc"])
        {
            var outcome = await _containers.RunAsync(["echo", "out"], spec => spec with
            {
                Process = spec.Process! with { NoNewPrivileges = kind == "ipc" },
                Linux = spec.Linux! with
                {
                    Namespaces = [.. spec.Linux.Namespaces.Where(n => $"{n.Type}" != kind),
                        new NamespaceSpec { Type = kind, Path = $"/proc/{first.Pid}/ns/{(kind == "ipc" ? "ipc" : "net")}" }],
                    Seccomp = new SeccompSpec
                    {
                        DefaultAction = "SCMP_ACT_ALLOW",
                        Syscalls =
                        [
                            new SeccompSyscallSpec { Names = ["clock_gettime", "writev"], Action = "SCMP_ACT_KILL_PROCESS" },
                        ],
                    },
                },
            }, request: r => r with { Trace = _file });
            Assert.Equal((0, "out\n"), (outcome.Status, outcome.Output));
        }
        await EndsWith("from the start to execve = 0");
    }

    [Fact]
    public void Only_an_existing_regular_file_is_written()
    {
        var link = Path.Join(_containers.Place, "link");
        File.CreateSymbolicLink(link, _file);
        Assert.All([link, Path.Join(_containers.Place, "none"), "/dev/null"], path => Assert.ThrowsAny<IOException>(
            () => _containers.Create(TestContainers.Shell("true"), change: r => r with { Trace = path })));
    }

    private async Task EndsWith(string call) =>
        Assert.EndsWith(call, (await File.ReadAllLinesAsync(_file))[^1], StringComparison.Ordinal);

    [GeneratedRegex(@"\A *([0-9]+\.[0-9]|\?) us  .+ = (-?[0-9]+|E[A-Z0-9]+( \(tolerated\))?|\?)\z")]
    private static partial Regex Line();
}
