using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>Fields of a spec that are easily implemented only in part.</summary>
public sealed class SpecDetailsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task A_repeated_group_counts_once()
    {
        var outcome = await _containers.RunAsync(["grep", "Groups", "/proc/self/status"], spec => spec with
        {
            Process = spec.Process! with { User = new UserSpec { Uid = 7, Gid = 7, AdditionalGids = [9, 9, 10] } },
        });
        Assert.Equal("Groups:\t9 10", outcome.Output.TrimEnd());
    }

    [Fact]
    public async Task A_device_node_is_created_although_the_rules_deny_its_use()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "stat -c %F /dev/kmsg; head -n 1 /dev/kmsg >/dev/null 2>&1 || echo denied"], spec => spec with
        {
            Linux = spec.Linux! with
            {
                Devices = [new DeviceSpec { Type = "c", Path = "/dev/kmsg", Major = 1, Minor = 11 }],
                Resources = new ResourcesSpec {
                    Devices = [new DeviceRuleSpec { Allow = true, Access = "mwr" },
                    new DeviceRuleSpec { Allow = false, Type = "c", Major = 1, Minor = 11, Access = "mmrw" }] },
            },
        });
        Assert.Equal("character special file\ndenied\n", outcome.Output);
    }

    [Fact]
    public async Task A_filter_that_forbids_the_check_of_the_working_directory_is_installed_after_it()
    {
        var outcome = await _containers.RunAsync(["cat", "/proc/self/status"], spec => spec with
        {
            Process = spec.Process! with { NoNewPrivileges = false, Cwd = "/etc" },
            Linux = spec.Linux! with
            {
                Seccomp = new SeccompSpec
                {
                    DefaultAction = "SCMP_ACT_ALLOW",
                    Syscalls = [new SeccompSyscallSpec {
                        Names = ["chdir", "fchdir", "getcwd"], Action = "SCMP_ACT_KILL_PROCESS" }],
                },
            },
        });
        Assert.Contains("Seccomp:\t2", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_memory_policy_applies_to_the_program_and_to_an_exec()
    {
        var spec = TestContainers.Shell("sh", "-c", "cat /proc/self/numa_maps; exec sleep 1000");
        spec = spec with { Linux = spec.Linux! with {
            MemoryPolicy = new MemoryPolicySpec { Mode = "MPOL_BIND", Nodes = "0", Flags = ["MPOL_F_STATIC_NODES"] } } };
        var (container, log) = _containers.Create(spec);
        container.Start(CancellationToken.None);
        using (var deadline = new CancellationTokenSource(Patience))
            while (!(await File.ReadAllTextAsync(log, deadline.Token)).Contains(" bind=static:0", StringComparison.Ordinal))
                await Task.Delay(20, deadline.Token);
        Assert.Contains(" bind=static:0", await Exec(container, "cat /proc/self/numa_maps"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exec_has_the_containers_personality()
    {
        var spec = TestContainers.Shell("sleep", "1000");
        var (container, _) =
            _containers.Create(spec with {
            Linux = spec.Linux! with { Personality = new PersonalitySpec { Domain = "LINUX32" } } });
        container.Start(CancellationToken.None);
        Assert.Equal("00000008\n", await Exec(container, "cat /proc/self/personality"));
    }

    [Fact]
    public async Task A_pids_limit_of_zero_still_allows_the_first_process()
    {
        var outcome = await _containers.RunAsync(["sh", "-c", "echo one; (echo two)"], spec => spec with
        {
            Linux = spec.Linux! with { Resources = new ResourcesSpec { Pids = new PidsSpec { Limit = 0 } } },
        });
        Assert.StartsWith("one\n", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("two", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_createContainer_hook_starts_in_the_root_filesystem()
    {
        var trace = Path.Join(_containers.Place, "trace");
        var (container, _) = _containers.Create(TestContainers.Shell("true") with
        {
            Hooks = new HooksSpec {
                CreateContainer = [new HookSpec {
                Path = "/bin/sh", Args = ["sh", "-c", $"pwd >{trace}; ls -d usr >>{trace}"] }] },
        });
        Assert.Equal([Path.Join(container.Bundle!, "rootfs"), "usr"], await File.ReadAllLinesAsync(trace));
    }

    private async Task<string> Exec(Container container, string script)
    {
        var log = Path.Join(_containers.Place, Guid.NewGuid().ToString("N"));
        using var deadline = new CancellationTokenSource(Patience);
        using var exec = container.Exec(
            new ExecRequest(SpecWriter.Write(TestContainers.Shell("sh", "-c", script).Process!),
                new StdioTargets("", $"file://{log}", "", false)), deadline.Token);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        exec.Watch(_ => ended.SetResult());
        exec.Start(deadline.Token);
        await ended.Task.WaitAsync(Patience);
        return await File.ReadAllTextAsync(log);
    }
}
