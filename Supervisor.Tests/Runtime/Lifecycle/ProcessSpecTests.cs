using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Programs;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>Fields of the spec's process, observed from inside the process.</summary>
public sealed class ProcessSpecTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task The_scheduler_is_set()
    {
        var outcome = await Run(
            "chrt -p $$; cat /proc/self/stat | cut -d' ' -f19", p =>
            p with { Scheduler = new SchedulerSpec { Policy = "SCHED_BATCH", Nice = 7, Flags = ["SCHED_FLAG_RESET_ON_FORK"] } });
        Assert.Contains("SCHED_BATCH", outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_nice_value_is_set() =>
        Assert.Equal("7\n", await Run(
            "cut -d' ' -f19 /proc/$$/stat", p => p with { Scheduler = new SchedulerSpec { Policy = "SCHED_OTHER", Nice = 7 } }));

    [Theory]
    [InlineData("IOPRIO_CLASS_BE", 6, "best-effort: prio 6")]
    [InlineData("IOPRIO_CLASS_IDLE", 0, "idle")]
    public async Task The_io_priority_is_set(string kind, int priority, string expected) =>
        Assert.Equal(expected + "\n",
            await Run("ionice -p $$", p => p with { IoPriority = new IOPrioritySpec { Class = kind, Priority = priority } }));

    [Fact]
    public async Task The_personality_is_that_of_the_spec()
    {
        var outcome = await _containers.RunAsync(
            ["uname", "-m"], spec =>
            spec with { Linux = spec.Linux! with { Personality = new PersonalitySpec { Domain = "LINUX32" } } });
        Assert.Contains(outcome.Output, (string[])["i686\n", "armv8l\n"]);
    }

    [Fact]
    public async Task The_oom_score_is_set() =>
        Assert.Equal("421\n", await Run("cat /proc/self/oom_score_adj", p => p with { OomScoreAdj = 421 }));

    [Fact]
    public async Task An_ambient_capability_that_the_kernel_refuses_is_a_warning()
    {
        const int PR_SET_SECUREBITS = 28, SECBIT_NO_CAP_AMBIENT_RAISE = 1 << 6;
        var outcome = new TaskCompletionSource<TestContainers.Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            // For this thread only, which exits with it; the launch runs on the caller's thread.
            if (Supervisor.Kernel.Abi.Native.prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE, 0, 0, 0) != 0)
                outcome.SetException(new InvalidOperationException("prctl"));
            else
                _containers.RunAsync(["grep", "CapAmb", "/proc/self/status"], spec => spec with
                {
                    Process = spec.Process! with
                    {
                        User = new UserSpec { Uid = 1234, Gid = 1234 },
                        Capabilities = new CapabilitiesSpec {
                            Bounding = ["CAP_KILL"], Permitted = ["CAP_KILL"], Effective = ["CAP_KILL"],
                            Inheritable = ["CAP_KILL"], Ambient = ["CAP_KILL"] },
                    },
                }).ContinueWith(t => outcome.SetFromTask(t), TaskScheduler.Default);
        }).Start();
        Assert.Equal((0, "CapAmb:\t0000000000000000\n"), (await outcome.Task.WaitAsync(TimeSpan.FromSeconds(30))) is var o
            ? (o.Status, o.Output) : default);
        Assert.Contains(_containers.Warnings, e =>
            e.Message.Contains("process.capabilities.ambient[0]", StringComparison.Ordinal)
            && e.Message.Contains("SECBIT_NO_CAP_AMBIENT_RAISE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ambient_capabilities_are_given_to_a_user_other_than_root()
    {
        var outcome = await Run("grep -E 'Cap(Inh|Eff|Amb)' /proc/self/status", p => p with
        {
            User = new UserSpec { Uid = 1000, Gid = 1000 },
            Capabilities = new CapabilitiesSpec {
                Bounding = ["CAP_KILL", "CAP_FLY"], Permitted = ["CAP_KILL"], Effective = ["CAP_KILL"],
                Inheritable = ["CAP_KILL"], Ambient = ["CAP_KILL"] },
        });
        Assert.Equal("CapInh:\t0000000000000020\nCapEff:\t0000000000000020\nCapAmb:\t0000000000000020\n", outcome);
    }

    [Fact]
    public async Task Inherited_descriptors_are_3_and_4_and_no_others()
    {
        string one = Path.Join(_containers.Place, "one"), two = Path.Join(_containers.Place, "two");
        File.WriteAllText(one, "first\n");
        using var first = Fd.Open(one, OpenFlags.O_RDONLY);
        using var second = Fd.Open(two, OpenFlags.O_WRONLY | OpenFlags.O_CREAT, 0x180);
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "cat <&3; echo second >&4; ls /proc/self/fd"], null, request: r =>
            r with { Inherited = [first, second] });
        Assert.Equal("first\n0\n1\n2\n3\n4\n5\n", outcome.Output); // 5 is the directory that ls reads
        Assert.Equal("second\n", File.ReadAllText(two));
    }

    [Fact]
    public async Task An_exec_of_a_missing_program_is_reported_also_with_inherited_descriptors()
    {
        using var first = Fd.Open("/dev/null", OpenFlags.O_RDONLY);
        var spec = TestContainers.Shell("./not-there");
        var (container, _) = _containers.Create(spec, change: r => r with { Inherited = [first] });
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.Equal(Errno.ENOENT,
            Assert.Throws<Supervisor.Runtime.Launch.LaunchException>(() => container.Start(soon.Token)).Errno);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task An_exec_has_its_cpu_affinity_and_its_inherited_descriptors()
    {
        var (container, _) = _containers.Create(TestContainers.Shell("sleep", "1000"));
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        container.Start(soon.Token);
        var log = Path.Join(_containers.Place, "exec.log");
        using var first = Fd.Open("/etc/hostname", OpenFlags.O_RDONLY);
        var process = TestContainers.Shell("sh", "-c", "cat <&3; grep Cpus_allowed_list /proc/self/status").Process! with {
            ExecCPUAffinity = new ExecCpuAffinitySpec { Initial = "0-1", Final = "0" } };
        using var exec = container.Exec(
            new(SpecWriter.Write(process), new("", $"file://{log}", "", false)) { Inherited = [first] }, soon.Token);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        exec.Watch(_ => ended.SetResult());
        exec.Start(soon.Token);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(File.ReadAllText("/etc/hostname") + "Cpus_allowed_list:\t0\n", File.ReadAllText(log));
    }

    [AppArmorFact]
    public async Task The_AppArmor_profile_is_applied_to_the_program() =>
        Assert.Equal("unconfined\n", (await Run("cat /proc/self/attr/current", p => p with { ApparmorProfile = "unconfined" }))
            .Replace(" (unconfined)", "", StringComparison.Ordinal));

    [NoLabelsTheory]
    [InlineData("process.apparmorProfile")]
    [InlineData("process.selinuxLabel")]
    [InlineData("linux.mountLabel")]
    public void A_label_that_the_host_does_not_support_is_refused_by_field(string field)
    {
        var spec = TestContainers.Shell("true");
        spec = field switch
        {
            "process.apparmorProfile" => spec with { Process = spec.Process! with { ApparmorProfile = "docker-default" } },
            "process.selinuxLabel" =>
                spec with { Process = spec.Process! with { SelinuxLabel = "system_u:system_r:container_t:s0" } },
            _ => spec with { Linux = spec.Linux! with { MountLabel = "system_u:object_r:container_file_t:s0" } },
        };
        Assert.Equal(field, Assert.Throws<InvalidSpecException>(() => _containers.Create(spec)).Field);
    }

    private sealed class AppArmorFactAttribute : FactAttribute
    {
        public AppArmorFactAttribute() => Skip = LabelSteps.HasAppArmor ? null : "AppArmor is not enabled on this host";
    }

    private sealed class NoLabelsTheoryAttribute : TheoryAttribute
    {
        public NoLabelsTheoryAttribute() =>
            Skip = LabelSteps.HasAppArmor || LabelSteps.HasSELinux ? "this host has a security module with labels" : null;
    }

    private async Task<string> Run(string script, Func<ProcessSpec, ProcessSpec> change) =>
        (await _containers.RunAsync(["sh", "-c", script], spec => spec with { Process = change(spec.Process!) })).Output;
}
