using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Seccomp;

namespace Supervisor.Tests.Runtime.Seccomp;

/// <summary>Profiles at work in real containers.</summary>
public sealed class SeccompTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_denied_call_fails_with_the_errno_of_its_rule_and_others_succeed(bool noNewPrivileges)
    {
        var outcome = await Run(
            "mkdir /tmp/a 2>&1; echo $?; grep -E '^Seccomp:' /proc/self/status", noNewPrivileges, new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ALLOW",
            Syscalls = [new SeccompSyscallSpec {
                Names = ["mkdir", "mkdirat", "not_a_call_of_any_kernel"], Action = "SCMP_ACT_ERRNO", ErrnoRet = 28 }],
        });
        Assert.Contains("No space left on device", outcome, StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2", outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_errno_it_is_EPERM() =>
        Assert.Contains("Operation not permitted", await Run("mkdir /tmp/a 2>&1", true, new SeccompSpec
    {
        DefaultAction = "SCMP_ACT_ALLOW",
        Architectures = ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
        Flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
        Syscalls = [new SeccompSyscallSpec { Names = ["mkdir", "mkdirat"], Action = "SCMP_ACT_ERRNO" }],
    }), StringComparison.Ordinal);

    [Fact]
    public async Task Arguments_are_compared()
    {
        // kill(2) differs in its second argument, the signal: one value is refused and the other allowed.
        var outcome = await Run("kill -0 $$ && echo zero; kill -CONT $$ 2>&1 || echo refused", true, new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ALLOW",
            Syscalls = [new SeccompSyscallSpec {
                Names = ["kill"], Action = "SCMP_ACT_ERRNO",
                Args = [new SeccompArgumentSpec { Index = 1, Value = 18, Op = "SCMP_CMP_EQ" }] }],
        });
        Assert.StartsWith("zero\n", outcome, StringComparison.Ordinal);
        Assert.EndsWith("refused\n", outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_conditions_on_one_argument_are_alternatives()
    {
        var outcome = await Run(
            "kill -CONT $$ 2>/dev/null || echo a; kill -WINCH $$ 2>/dev/null || echo b; kill -0 $$ && echo c", true,
            new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ALLOW",
            Syscalls =
            [
                new SeccompSyscallSpec
                {
                    Names = ["kill"], Action = "SCMP_ACT_ERRNO",
                    Args = [new SeccompArgumentSpec { Index = 1, Value = 18, Op = "SCMP_CMP_EQ" },
                        new SeccompArgumentSpec { Index = 1, Value = 28, Op = "SCMP_CMP_EQ" }],
                },
            ],
        });
        Assert.Equal("a\nb\nc\n", outcome);
    }

    [Fact]
    public async Task A_killing_rule_kills()
    {
        var outcome = await _containers.RunAsync(["mkdir", "/tmp/a"], With(true, new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ALLOW",
            Syscalls = [new SeccompSyscallSpec { Names = ["mkdir", "mkdirat"], Action = "SCMP_ACT_KILL_PROCESS" }],
        }));
        Assert.Equal(128 + 31, outcome.Status);
    }

    [Fact]
    public async Task Calls_newer_than_the_profile_are_unknown_and_not_forbidden()
    {
        // A small allow-list profile whose newest call is statx (332), checked on the compiled filter.
        var filter = SeccompFilter.Compile(new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ERRNO",
            Syscalls = [new SeccompSyscallSpec { Names = ["read", "statx"], Action = "SCMP_ACT_ALLOW" }],
        });
        var instructions = MemoryMarshal.Cast<byte, ulong>(filter.Instructions).ToArray();
        Assert.Equal(0x20u | 4UL << 32, instructions[0]);                     // the architecture
        Assert.Contains(0x06u | 0x00050026UL << 32, instructions[..8]);       // return ENOSYS
        // above statx
        if (RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.X64)
            Assert.Contains(instructions[..8], i => (ushort)i == 0x25 && i >> 32 == 332);
        Assert.Same(filter.Instructions, SeccompFilter.Compile(new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ERRNO",
            Syscalls = [new SeccompSyscallSpec { Names = ["read", "statx"], Action = "SCMP_ACT_ALLOW" }],
        }).Instructions); // compiled once
        await Task.CompletedTask;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_allow_list_lets_an_ordinary_program_run(bool noNewPrivileges)
    {
        var outcome = await _containers.RunAsync(["/bin/busybox", "echo", "hello"], With(noNewPrivileges, new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ERRNO",
            Syscalls =
            [
                new SeccompSyscallSpec
                {
                    Action = "SCMP_ACT_ALLOW",
                    Names = // those of the stub after the filter, of a static program's startup, and of echo
                    [
                        "prctl", "setgroups", "setresgid", "setresuid", "capset", "chdir", "getcwd", "futex", "write", "read",
                        "rt_sigprocmask", "execve",
                        "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlinkat", "readlink",
                        "getrandom", "mprotect",
                        "getuid", "setuid", "setgid", "exit_group", "fstat", "newfstatat", "ioctl", "clock_gettime",
                        "close_range", "statx",
                    ],
                },
            ],
        }));
        Assert.Equal((0, "hello\n"), (outcome.Status, outcome.Output));
    }

    [Fact]
    public async Task An_exec_has_the_filter_of_its_container()
    {
        var (container, _) = _containers.Create(With(true, new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ALLOW",
            Syscalls = [new SeccompSyscallSpec { Names = ["mkdir", "mkdirat"], Action = "SCMP_ACT_ERRNO" }],
        })(TestContainers.Shell("sleep", "1000")));
        container.Start(Soon());
        var log = Path.Join(_containers.Place, "exec.log");
        var process = TestContainers.Shell("sh", "-c", "mkdir /tmp/x 2>&1; grep ^Seccomp: /proc/self/status").Process!;
        using var exec = container.Exec(new(SpecWriter.Write(process), new("", $"file://{log}", "", false)), Soon());
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        exec.Watch(_ => ended.SetResult());
        exec.Start(Soon());
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("Operation not permitted", File.ReadAllText(log), StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2", File.ReadAllText(log), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_listener_receives_the_descriptor_and_the_state(bool noNewPrivileges)
    {
        var path = Path.Join(_containers.Place, "listener");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var (container, _) = _containers.Create(With(noNewPrivileges, new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ALLOW", ListenerPath = path, ListenerMetadata = "for you",
            Syscalls = [new SeccompSyscallSpec { Names = ["mkdir", "mkdirat"], Action = "SCMP_ACT_NOTIFY" }],
        })(TestContainers.Shell("mkdir", "/tmp/x")));
        using var connection = await listener.AcceptAsync(Soon());
        container.Start(Soon());
        var buffer = new byte[8192];
        var got = await connection.ReceiveAsync(buffer, Soon());
        var state = JsonDocument.Parse(buffer.AsMemory(0, got)).RootElement;
        Assert.Equal("seccompFd", state.GetProperty("fds")[0].GetString());
        Assert.Equal(container.Pid, state.GetProperty("pid").GetInt32());
        Assert.Equal("for you", state.GetProperty("metadata").GetString());
        Assert.Equal(container.Pid, state.GetProperty("state").GetProperty("pid").GetInt32());
    }

    [Fact]
    public void A_missing_listener_is_named()
    {
        var e = Assert.Throws<InvalidSpecException>(() => _containers.Create(With(true, new SeccompSpec
        {
            DefaultAction = "SCMP_ACT_ALLOW", ListenerPath = "/no/such/socket",
            Syscalls = [new SeccompSyscallSpec { Names = ["mkdir"], Action = "SCMP_ACT_NOTIFY" }],
        })(TestContainers.Shell("true"))));
        Assert.Equal("linux.seccomp.listenerPath", e.Field);
    }

    private static CancellationToken Soon() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    private async Task<string> Run(string script, bool noNewPrivileges, SeccompSpec profile) =>
        (await _containers.RunAsync(["sh", "-c", script], With(noNewPrivileges, profile))).Output;

    private static Func<Spec, Spec> With(bool noNewPrivileges, SeccompSpec profile) => spec => spec with
    {
        Process = spec.Process! with { NoNewPrivileges = noNewPrivileges },
        Linux = spec.Linux! with { Seccomp = profile },
    };
}
