using System.Diagnostics;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>Execs in a running container: their environment, their exit and their cleanup.</summary>
public sealed class ExecTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();
    private readonly List<ExecProcess> _made = [];
    private int _last;

    public void Dispose()
    {
        _containers.Dispose();
        foreach (var exec in _made) exec.Dispose();
    }

    [Fact]
    public async Task An_exec_has_the_output_and_the_exit_status_of_its_program()
    {
        var outcome = await RunAsync(Running(), Shell("echo out; echo err >&2; exit 7"));
        Assert.Equal((7, "out\nerr\n"), (outcome.Status, outcome.Output));
    }

    [Fact]
    public async Task A_killed_exec_exits_with_128_and_the_signal_and_the_container_keeps_running()
    {
        var container = Running();
        var (exec, _) = Exec(container, Shell("exec sleep 1000"));
        var exit = Watched(exec);
        Start(exec);
        Assert.True(exec.Signal((int)Signal.SIGTERM));
        Assert.Equal(143, (await exit.WaitAsync(Patience))!.Value.Code);
        Assert.False(exec.Signal((int)Signal.SIGKILL));
        Assert.True(container.Signal(0));
    }

    [Theory]
    [InlineData("/no/such", Errno.ENOENT)]
    [InlineData("no-such-program", Errno.ENOENT)]
    [InlineData("/etc/passwd", Errno.EACCES)]
    public void An_exec_of_a_program_that_cannot_be_executed_names_it_and_leaves_no_process(string program, Errno errno)
    {
        var container = Running();
        var before = container.Cgroup.Processes();
        var e = Assert.Throws<LaunchException>(() => Exec(container, Shell("") with { Args = [program] }));
        Assert.Equal(errno, e.Errno);
        Assert.Contains($"\"{program}\"", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, container.Cgroup.Processes());
        Assert.Empty(Zombies(container));
    }

    [Fact]
    public async Task An_exec_has_its_own_directory_environment_user_and_capabilities_and_no_descriptor_of_ours()
    {
        var outcome = await RunAsync(
            Running(), Shell("pwd; echo $A; id -u; id -g; id -G; grep -E '^(CapEff|CapBnd|NoNewPrivs|SigBlk|SigIgn)' "
            + "/proc/self/status; ls /proc/self/fd") with
        {
            Cwd = "/tmp",
            Env = ["PATH=/usr/bin:/bin", "A=b"],
            User = new UserSpec { Uid = 65534, Gid = 65533, AdditionalGids = [7] },
            Capabilities = new CapabilitiesSpec { Bounding = ["CAP_KILL"] },
            NoNewPrivileges = true,
        });
        Assert.Equal("/tmp\nb\n65534\n65533\n65533 7\n"
            + "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nCapEff:\t0000000000000000\n"
            + "CapBnd:\t0000000000000020\nNoNewPrivs:\t1\n0\n1\n2\n3\n", outcome.Output);
    }

    [Fact]
    public async Task A_users_exec_owns_its_output_but_not_the_hosts_null_device()
    {
        var before = Owner("/dev/null");
        var outcome = await RunAsync(
            Running(), Shell("stat -L -c %u:%g /proc/self/fd/0 /proc/self/fd/1") with {
            User = new UserSpec { Uid = 4321, Gid = 4322 } });
        Assert.Equal(before, Owner("/dev/null"));
        Assert.Equal($"{before}\n4321:4322\n", outcome.Output);

        static string Owner(string path)
        {
            using var stat = Process.Start(
                new ProcessStartInfo("stat", ["-c", "%u:%g", path]) { RedirectStandardOutput = true })!;
            return stat.StandardOutput.ReadToEnd().Trim();
        }
    }

    [Fact]
    public async Task An_exec_is_in_every_namespace_and_cgroup_of_the_container()
    {
        var container = Running();
        var (exec, log) = Exec(container, Shell("hostname; cat /proc/1/comm; echo $PPID; cat /proc/self/cgroup"));
        foreach (var kind in (string[])["pid", "mnt", "net", "ipc", "uts", "cgroup"])
            Assert.Equal(Namespace(container.Pid, kind), Namespace(exec.Pid, kind));
        Assert.Contains(exec.Pid, container.Cgroup.Processes());
        var exit = Watched(exec);
        Start(exec);
        Assert.Equal(0, (await exit.WaitAsync(Patience))!.Value.Code);
        var lines = File.ReadAllLines(log);
        Assert.Equal(["box", "sleep", "0"], lines[..3]); // its parent is outside
        Assert.All(lines[3..], l => Assert.EndsWith(":/", l, StringComparison.Ordinal));
        Assert.Equal(File.ReadAllLines($"/proc/{container.Pid}/cgroup").Length, lines.Length - 3);
    }

    [Fact]
    public void Before_its_start_an_exec_waits_in_our_stub_and_exits_when_it_is_abandoned()
    {
        var (exec, log) = Exec(Running(), Shell("echo ran"));
        Assert.Contains("memfd:supervisor-init", new FileInfo($"/proc/{exec.Pid}/exe").LinkTarget, StringComparison.Ordinal);
        using var pidfd = Pidfd.TryOpen(exec.Pid)!;
        exec.Dispose();
        Assert.True(pidfd.WaitForExit(Patience));
        Assert.Equal(127, pidfd.TryReap()!.Value.Code);
        Assert.Equal("", File.ReadAllText(log));
    }

    [Fact]
    public async Task An_exec_with_a_terminal_has_one_of_the_container_with_the_given_size()
    {
        var output = Path.Join(_containers.Place, "exec-tty.log");
        File.WriteAllText(output, "");
        var process = Shell("tty; stty size; echo err >&2") with {
            ConsoleSize = new ConsoleSizeSpec { Height = 33, Width = 111 } };
        var exec = Made(Running()
            .Exec(new ExecRequest(SpecWriter.Write(process), new StdioTargets("", output, "", true)), CancellationToken.None));
        exec.Resize(120, 40);
        var exit = Watched(exec);
        Start(exec);
        Assert.Equal(0, (await exit.WaitAsync(Patience))!.Value.Code);
        Assert.Equal("/dev/pts/0\n40 120\nerr\n", File.ReadAllText(output).Replace("\r", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Fifty_execs_leave_no_process_and_no_descriptor()
    {
        var container = Running();
        await RunAsync(container, Shell("true"));
        var descriptors = Descriptors();
        var processes = container.Cgroup.Processes();
        for (var i = 0; i < 50; i++) Assert.Equal(i, (await RunAsync(container, Shell($"exit {i}"))).Status);
        Assert.Equal(processes, container.Cgroup.Processes());
        Assert.Empty(Zombies(container));
        // Other tests of this process open and close descriptors meanwhile, by dozens; fifty leaks would stay.
        await Eventually.IsTrue(() => Descriptors() - descriptors < 25);
    }

    [Fact]
    public async Task An_exec_is_killed_with_the_init_whose_exit_is_reported_last()
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        var reported = new List<string>();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(_ => { lock (reported) reported.Add("init"); ended.SetResult(); }, () => { });
        container.Start(CancellationToken.None);
        // Without output: that of a log is relayed before the exit is reported, which may take longer than the init's exit.
        var exec = Made(container.Exec(
            new ExecRequest(SpecWriter.Write(Shell("trap '' TERM HUP; sleep 1000")), StdioTargets.None), CancellationToken.None));
        exec.Watch(end => { lock (reported) reported.Add($"exec {end.Status?.Code}"); });
        Start(exec);
        Assert.True(container.Signal((int)Signal.SIGKILL));
        await ended.Task.WaitAsync(Patience);
        Assert.Equal(["exec 137", "init"], reported);
        Assert.Throws<InvalidOperationException>(() => Exec(container, Shell("true")));
    }

    [Fact]
    public void No_exec_is_spawned_in_a_paused_container()
    {
        var container = Running();
        container.Cgroup.Freeze(Patience);
        try
        {
            var e = Assert.Throws<InvalidOperationException>(() => Exec(container, Shell("true")));
            Assert.Contains("paused", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            container.Cgroup.Thaw(Patience);
        }
    }

    [Fact]
    public async Task An_exec_is_adopted_only_if_pid_start_time_and_boot_match()
    {
        var (exec, _) = Exec(Running(), Shell("exec sleep 1000"));
        Start(exec);
        Assert.Null(ExecProcess.TryAdopt(_containers.Host, new ProcessIdentity(exec.Pid, exec.StartTime + 1, ProcStat.BootId)));
        Assert.Null(ExecProcess.TryAdopt(_containers.Host, new ProcessIdentity(exec.Pid, exec.StartTime, "another boot")));
        using var adopted = ExecProcess.TryAdopt(
            _containers.Host, new ProcessIdentity(exec.Pid, exec.StartTime, ProcStat.BootId));
        var exit = Watched(adopted!);
        Assert.True(exec.Signal((int)Signal.SIGKILL));
        Assert.Equal(137, (await exit.WaitAsync(Patience))!.Value.Code);
    }

    private Container Running()
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        using var deadline = new CancellationTokenSource(Patience);
        container.Start(deadline.Token);
        return container;
    }

    private (ExecProcess Exec, string Log) Exec(Container container, ProcessSpec process)
    {
        var log = Path.Join(_containers.Place, $"exec-{++_last}.log");
        using var deadline = new CancellationTokenSource(Patience);
        return (Made(container.Exec(
            new ExecRequest(SpecWriter.Write(process), new StdioTargets("", $"file://{log}", "", false)), deadline.Token)), log);
    }

    private async Task<(int? Status, string Output)> RunAsync(Container container, ProcessSpec process)
    {
        var (exec, log) = Exec(container, process);
        var exit = Watched(exec);
        Start(exec);
        var status = (await exit.WaitAsync(Patience))?.Code;
        exec.Dispose();
        return (status, await File.ReadAllTextAsync(log));
    }

    private ExecProcess Made(ExecProcess exec)
    {
        _made.Add(exec);
        return exec;
    }

    private static ProcessSpec Shell(string script) => TestContainers.Shell("sh", "-c", script).Process!;

    private static void Start(ExecProcess exec)
    {
        using var deadline = new CancellationTokenSource(Patience);
        exec.Start(deadline.Token);
    }

    private static Task<ExitStatus?> Watched(ExecProcess exec)
    {
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        exec.Watch(end => exit.SetResult(end.Status));
        return exit.Task;
    }

    private static string? Namespace(int pid, string kind) => new FileInfo($"/proc/{pid}/ns/{kind}").LinkTarget;

    private static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>
    /// Zombies of the container. Those of other tests, whose shims were killed, are reparented to us too and are not
    /// counted.
    /// </summary>
    private static List<string> Zombies(Container container)
    {
        var itsProcesses = Namespace(container.Pid, "pid");
        Assert.NotNull(itsProcesses);
        return
        [
            .. Process.GetProcesses().Where(p => Namespace(p.Id, "pid") == itsProcesses).Select(p => Stat(p.Id))
                .Where(s => s.Contains($") Z {Environment.ProcessId} ", StringComparison.Ordinal)),
        ];
    }

    private static string Stat(int pid)
    {
        try { return File.ReadAllText($"/proc/{pid}/stat"); }
        catch (IOException) { return ""; }
    }
}
