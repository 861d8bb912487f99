using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>Exit of containers that are paused, not started yet, or leave processes behind.</summary>
public sealed class KillTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Theory]
    [InlineData(Signal.SIGHUP)]
    [InlineData(Signal.SIGINT)]
    [InlineData(Signal.SIGQUIT)]
    [InlineData(Signal.SIGTERM)]
    public async Task A_fatal_signal_kills_a_container_that_is_not_started_yet(Signal signal)
    {
        var (container, log) = _containers.Create(TestContainers.Shell("echo", "ran"));
        var exit = Watch(container);
        Assert.True(container.Signal((int)signal));
        Assert.Equal(128 + (int)signal, (await exit.WaitAsync(Patience))!.Value.Code);
        Assert.Equal("", await File.ReadAllTextAsync(log));
    }

    [Fact]
    public async Task Any_other_signal_stays_pending_for_the_program_which_inherits_no_handlers()
    {
        var (container, log) =
            _containers.Create(TestContainers.Shell(
            "sh", "-c", "cat /proc/self/status; trap 'exit 5' TERM; while :; do sleep 0.1; done"));
        var exit = Watch(container);
        Assert.True(container.Signal((int)Signal.SIGCONT));
        container.Start(CancellationToken.None);
        while (!(await File.ReadAllTextAsync(log)).Contains("SigCgt", StringComparison.Ordinal)) await Task.Delay(20);
        Assert.Contains("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000",
            await File.ReadAllTextAsync(log), StringComparison.Ordinal);
        await Task.Delay(100); // time for the trap
        Assert.True(container.Signal((int)Signal.SIGTERM));
        Assert.Equal(5, (await exit.WaitAsync(Patience))!.Value.Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SIGKILL_kills_a_paused_container(bool all)
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        var exit = Watch(container);
        container.Start(CancellationToken.None);
        container.Cgroup.Freeze(Patience);
        Assert.True(all ? container.SignalAll((int)Signal.SIGKILL) : container.Signal((int)Signal.SIGKILL));
        Assert.Equal(137, (await exit.WaitAsync(Patience))!.Value.Code);
    }

    [Fact]
    public async Task SIGKILL_kills_an_exec_in_a_paused_container_and_resumes_nothing_else()
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        container.Start(CancellationToken.None);
        var process = TestContainers.Shell("sleep", "1000").Process!;
        using var exec = container.Exec(new ExecRequest(SpecWriter.Write(process), StdioTargets.None), CancellationToken.None);
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        exec.Watch(end => exit.SetResult(end.Status));
        exec.Start(CancellationToken.None);
        container.Cgroup.Freeze(Patience);
        Assert.True(exec.Signal((int)Signal.SIGKILL));
        Assert.Equal(137, (await exit.Task.WaitAsync(Patience))!.Value.Code);
        Assert.True(container.Cgroup.IsFrozen);
        Assert.False(container.HasExited);
    }

    [Fact]
    public async Task Processes_left_by_a_container_without_a_pid_namespace_are_killed_before_its_exit_is_reported()
    {
        var spec = TestContainers.Shell("sh", "-c", "setsid sleep 1000 & sleep 1000 & exit 3");
        spec = spec with { Linux = spec.Linux! with {
            Namespaces = [.. spec.Linux.Namespaces.Where(n => n.Type is not NamespaceKind.Pid)] } };
        var (container, _) = _containers.Create(spec);
        var left = new TaskCompletionSource<IReadOnlyList<int>>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(_ => left.SetResult(container.Cgroup.Processes()), () => { });
        container.Start(CancellationToken.None);
        Assert.Empty(await left.Task.WaitAsync(Patience));
    }

    private static Task<ExitStatus?> Watch(Container container)
    {
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        return exit.Task;
    }
}
