using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Lifecycle;

/// <summary>The view from inside a container, and what it hides.</summary>
public sealed class IsolationTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task The_first_process_is_pid_1_and_sees_no_other()
    {
        var outcome = await Run("echo $$; ls /proc | grep -c '^[0-9]'");
        Assert.Equal("1", outcome.Output.Split('\n')[0]);
        Assert.InRange(int.Parse(outcome.Output.Split('\n')[1]), 1, 4); // the shell and its pipeline
    }

    [Fact]
    public async Task A_container_has_its_own_host_name() => Assert.Equal("box\n", (await Run("hostname")).Output);

    [Fact]
    public async Task The_network_is_a_loopback_that_is_up() =>
        Assert.Matches(@"lo +\S*UP\S*|^lo$",
            (await Run("ls /sys/class/net; cat /sys/class/net/lo/operstate")).Output.Split('\n')[0]);

    [Fact]
    public async Task The_root_is_a_read_only_overlay()
    {
        var outcome = await Run("grep ' / ' /proc/mounts; touch /x 2>&1; touch /tmp/y && echo tmp-ok");
        Assert.StartsWith("overlay / overlay ro", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Read-only file system", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("tmp-ok\n", outcome.Output, StringComparison.Ordinal);
        Assert.False(File.Exists("/x"));
    }

    [Fact]
    public async Task A_container_has_the_default_capabilities_no_inheritable_ones_and_no_new_privileges()
    {
        var status = (await Run("grep -E '^(Cap|NoNew)' /proc/self/status")).Output;
        Assert.Contains("CapEff:\t00000000a80425fb", status, StringComparison.Ordinal);
        Assert.Contains("CapBnd:\t00000000a80425fb", status, StringComparison.Ordinal);
        Assert.Contains("CapInh:\t0000000000000000", status, StringComparison.Ordinal);
        Assert.Contains("NoNewPrivs:\t1", status, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_inherits_no_descriptor_no_ignored_and_no_blocked_signal()
    {
        var outcome = await Run("ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status");
        // 3 is the directory that ls reads
        Assert.Equal("0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", outcome.Output);
    }

    [Fact]
    public async Task Masked_files_are_empty_masked_directories_are_empty_and_proc_sys_is_read_only()
    {
        var outcome = await Run(
            "cat /proc/keys | wc -c; cat /proc/timer_list | wc -c; ls /sys/firmware | wc -l; echo x 2>&1 > "
            + "/proc/sys/kernel/hostname; stat -c %t:%T /proc/keys");
        Assert.StartsWith("0\n0\n0\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Read-only", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("1:3\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_default_devices_work()
    {
        var outcome = await Run(
            "for d in null zero full random urandom tty; do stat -c '%n %F' /dev/$d; done; head -c 2 /dev/zero | wc -c; echo "
            + "gone > /dev/null; readlink /dev/stdout");
        Assert.Equal(6, outcome.Output.Split('\n').Count(l => l.EndsWith("character special file", StringComparison.Ordinal)));
        Assert.EndsWith("2\n/proc/self/fd/1\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mounts_of_the_host_and_of_the_container_are_invisible_to_each_other()
    {
        await Run("mount | wc -l");
        Assert.DoesNotContain(_containers.Place, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Environment_working_directory_user_groups_umask_and_limits_are_those_of_the_spec()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "echo $A $HOME; pwd; id -u; id -g; id -G; umask; ulimit -n"], spec => spec with
        {
            Process = spec.Process! with
            {
                Env = ["PATH=/usr/bin:/bin", "A=b"],
                Cwd = "/tmp",
                User = new UserSpec { Uid = 65534, Gid = 65533, AdditionalGids = [7, 8], Umask = 0x3f },
                Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 64, Hard = 64 }],
            },
        });
        Assert.Equal("b /\n/tmp\n65534\n65533\n65533 7 8\n0077\n64\n", outcome.Output);
    }

    [Fact]
    public async Task A_sysctl_is_set_in_the_namespace_and_not_on_the_host()
    {
        var before = File.ReadAllText("/proc/sys/kernel/shm_rmid_forced");
        var outcome = await _containers.RunAsync(["cat", "/proc/sys/kernel/shm_rmid_forced"], spec => spec with
        {
            Linux = spec.Linux! with {
                Sysctl = new Dictionary<string, string> { ["kernel.shm_rmid_forced"] = before.Trim() == "1" ? "0" : "1" } },
        });
        Assert.NotEqual(before, outcome.Output);
        Assert.Equal(before, File.ReadAllText("/proc/sys/kernel/shm_rmid_forced"));
    }

    [Fact]
    public async Task The_containers_cgroups_are_the_roots_of_its_cgroup_namespace()
    {
        var lines = (await Run("cat /proc/self/cgroup")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, l => Assert.EndsWith(":/", l, StringComparison.Ordinal));
    }

    private Task<TestContainers.Outcome> Run(string script) => _containers.RunAsync(["sh", "-c", script]);
}
