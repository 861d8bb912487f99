using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;
using Supervisor.Tests.Runtime.Namespaces;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>Containers whose first process is our init: <see cref="ProcessSpec.Init"/>.</summary>
public sealed class InitTests : IDisposable
{
    private const byte CtrlC = 3, CtrlZ = 26, CtrlBackslash = 28;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();

    public static TheoryData<string> Kinds =>
        ["plain", "default seccomp", "seccomp without no_new_privs", "user namespace", "user", "no pid namespace"];

    public void Dispose() => _containers.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_init_reaps_orphans_holds_only_the_standard_streams_and_exits_with_the_programs_status(string kind)
    {
        const string script =
            "(sleep 0.1 &); sleep 1; cat /proc/$PPID/comm; echo $(ls /proc/$PPID/fd); cat /proc/[0-9]*/stat 2>/dev/null | "
            + "grep -c \") Z $PPID \"; exit 7";
        var outcome = await _containers.RunAsync(["sh", "-c", script], spec => Of(kind, spec));
        Assert.Equal((7, "init\n0 1 2\n0\n"), (outcome.Status, outcome.Output));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_init_has_no_capability_that_the_program_has_not(string kind)
    {
        const string rights = "grep -E '^(Uid|Gid|Groups|NoNewPrivs|Cap...|Seccomp.*):'";
        var lines = (await _containers.RunAsync(
            ["sh", "-c", $"{rights} /proc/$PPID/status; {rights} /proc/$$/status"], spec => Of(kind, spec))).Output.Split(
            '\n')[..^1];
        Assert.InRange(lines.Length, 20, 30);
        Assert.Equal(lines[(lines.Length / 2)..], lines[..(lines.Length / 2)]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_init_forwards_signals_and_ignores_execs(string kind)
    {
        var (container, _) = _containers.Create(Of(kind, TestContainers.Shell("sleep", "1000")));
        var exit = Started(container);
        using (var exec = container.Exec(
            new ExecRequest(SpecWriter.Write(TestContainers.Shell("sh", "-c", "exit 5").Process!), StdioTargets.None),
            CancellationToken.None))
        {
            var ended = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
            exec.Watch(end => ended.SetResult(end.Status));
            exec.Start(CancellationToken.None);
            Assert.Equal(5, (await ended.Task.WaitAsync(Patience))!.Value.Code);
        }
        Assert.True(container.Signal((int)Signal.SIGTERM));
        Assert.Equal(143, (await exit.WaitAsync(Patience))!.Value.Code);
    }

    [Fact]
    public async Task The_status_of_a_killed_program_is_128_and_the_signal() =>
        Assert.Equal(137, (await _containers.RunAsync(["sh", "-c", "kill -9 $$"], spec => Of("plain", spec))).Status);

    [Theory]
    [InlineData(CtrlC, 130)]
    [InlineData(CtrlBackslash, 131)]
    public async Task The_interrupt_and_quit_keys_of_a_terminal_kill_the_program(byte key, int status)
    {
        var (container, exit, terminal) = WithTerminal();
        using (terminal)
        {
            terminal.Write([key]);
            Assert.Equal(status, (await exit.WaitAsync(Patience))!.Value.Code);
        }
        Assert.True(container.HasExited);
    }

    [Fact]
    public async Task The_program_reads_from_its_terminal()
    {
        // In the background it would be stopped by SIGTTIN.
        var (_, exit, terminal) = WithTerminal("sh", "-c", "read line; exit $line");
        using (terminal)
        {
            terminal.Write("6\n"u8);
            Assert.Equal(6, (await exit.WaitAsync(Patience))!.Value.Code);
        }
    }

    [Fact]
    public async Task The_program_stops_at_the_terminals_key_and_continues_on_SIGCONT()
    {
        var (container, exit, terminal) = WithTerminal();
        using (terminal)
        {
            terminal.Write([CtrlZ]);
            await State(container, 'T');
            Assert.True(container.Signal((int)Signal.SIGCONT));
            await State(container, 'S');
            Assert.True(container.Signal((int)Signal.SIGKILL));
            Assert.Equal(137, (await exit.WaitAsync(Patience))!.Value.Code);
        }
    }

    [Fact]
    public void A_program_that_cannot_be_executed_fails_the_start_by_name()
    {
        var script = Path.Join(_containers.Place, "script");
        File.WriteAllText(script, "#!/no/such\n");
        File.SetUnixFileMode(script, (UnixFileMode)0x1ed);
        var spec = Of("default seccomp", TestContainers.Shell("/tmp/script"));
        var (container, _) =
            _containers.Create(spec with {
            Mounts = [.. spec.Mounts,
            new MountSpec { Destination = "/tmp/script", Type = "bind", Source = script, Options = ["bind"] }] });
        var e = Assert.Throws<LaunchException>(() => container.Start(CancellationToken.None));
        Assert.Equal(Errno.ENOENT, e.Errno);
        Assert.Contains("/tmp/script", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_seccomp_filter_that_forbids_the_inits_wait_fails_the_start_by_name()
    {
        var spec = Of("plain", TestContainers.Shell("true"));
        var profile = new SeccompSpec {
            DefaultAction = "SCMP_ACT_ALLOW",
            Syscalls = [new SeccompSyscallSpec { Names = ["rt_sigtimedwait"], Action = "SCMP_ACT_ERRNO" }] };
        var (container, _) = _containers.Create(spec with { Linux = spec.Linux! with { Seccomp = profile } });
        Assert.Contains("the init's wait for signals",
            Assert.Throws<LaunchException>(() => container.Start(CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_init_for_an_exec_is_refused_by_field() =>
        Assert.Equal("init",
            Assert.Throws<InvalidSpecException>(
            () => SpecValidator.Validate(TestContainers.Shell("true").Process! with { Init = true })).Field);

    private static Spec Of(string kind, Spec spec)
    {
        spec = spec with { Process = spec.Process! with { Init = true } };
        return kind switch
        {
            "plain" => spec,
            "default seccomp" => Filtered(spec),
            "seccomp without no_new_privs" => Filtered(spec with { Process = spec.Process with { NoNewPrivileges = false } }),
            "user namespace" => NamespaceTests.InUserNamespace(spec),
            "user" => spec with { Process = spec.Process with { User = new UserSpec { Uid = 1234, Gid = 1234 } } },
            "no pid namespace" =>
                spec with { Linux = spec.Linux! with {
                Namespaces = [.. spec.Linux.Namespaces.Where(n => n.Type is not NamespaceKind.Pid)] } },
            _ => throw new ArgumentException(kind),
        };
    }

    private static Spec Filtered(Spec spec) =>
        spec with { Linux = spec.Linux! with {
            Seccomp = DefaultSeccomp.For(DefaultSpec.Capabilities, RuntimeInformation.ProcessArchitecture) } };

    private (Container Container, Task<ExitStatus?> Exit, Fd Terminal) WithTerminal(params string[] command)
    {
        var spec = Of("default seccomp", TestContainers.Shell(command is [] ? ["sleep", "1000"] : command));
        var (container, _) =
            _containers.Create(spec with { Process = spec.Process! with { Terminal = true } }, stdio: StdioTargets.Console);
        var master = container.TakeTerminal()!;
        return (container, Started(container), master);
    }

    private static async Task State(Container container, char state)
    {
        var program = container.Cgroup.Processes().Single(pid => pid != container.Pid);
        for (var end = DateTime.UtcNow + Patience;
            !File.ReadAllText($"/proc/{program}/stat").Contains($") {state} ", StringComparison.Ordinal); await Task.Delay(20))
            Assert.True(DateTime.UtcNow < end, $"the program is not in state {state}");
    }

    private static Task<ExitStatus?> Started(Container container)
    {
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        container.Start(CancellationToken.None);
        return exit.Task;
    }
}
