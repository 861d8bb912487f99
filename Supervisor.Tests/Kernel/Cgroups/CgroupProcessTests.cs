using System.Diagnostics;
using System.Runtime.InteropServices;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Resources;

namespace Supervisor.Tests.Kernel.Cgroups;

/// <summary>Freezing, killing and running out of memory, with this host's v1 trees, with its v2 tree, and with both.</summary>
[Collection(CgroupTestBed.OneAtATime)]
public sealed partial class CgroupProcessTests
{
    private const string ForkForever = "f() { while :; do (sleep 60 &) ; sleep 0.001; done; }; f & f & f & echo forking; wait";

    [CgroupTheory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("both")]
    public void A_frozen_cgroup_uses_no_cpu_until_it_is_thawed(string view)
    {
        using var bed = new CgroupTestBed(view);
        var cgroup = bed.Create("c");
        var shell = bed.Run(cgroup, "while read x; do echo $x; done < /dev/zero & while :; do :; done");
        cgroup.Freeze(CgroupTestBed.Deadline);
        Assert.True(cgroup.IsFrozen);
        var used = Ticks(shell.Id);
        for (var i = 0; i < 3; i++) // three scheduler ticks that another process may use
        {
            var before = Environment.TickCount64;
            while (Environment.TickCount64 < before + 20) { }
        }
        Assert.Equal(used, Ticks(shell.Id));
        cgroup.Thaw(CgroupTestBed.Deadline);
        Assert.False(cgroup.IsFrozen);
        CgroupTestBed.Until(() => Ticks(shell.Id) > used, "the thawed shell uses the CPU");
    }

    [CgroupTheory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("both")]
    public void A_fork_bomb_is_killed_completely(string view)
    {
        using var bed = new CgroupTestBed(view);
        var cgroup = bed.Create("c");
        var shell = bed.Run(cgroup, ForkForever);
        Assert.Equal("forking", CgroupTestBed.Line(shell));
        CgroupTestBed.Until(() => cgroup.Processes().Count > 10, "more than ten processes");
        cgroup.KillAll(CgroupTestBed.Deadline);
        Assert.Empty(cgroup.Processes());
        Assert.False(cgroup.IsFrozen);
        CgroupTestBed.Exited(shell);
        Assert.Equal(128 + 9, shell.ExitCode);
        cgroup.Delete(CgroupTestBed.Deadline);
        Assert.False(cgroup.Exists);
    }

    [CgroupTheory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("both")]
    public void A_frozen_cgroup_can_be_killed(string view)
    {
        using var bed = new CgroupTestBed(view);
        var cgroup = bed.Create("c");
        var shell = bed.Run(cgroup, "sleep 60 & wait");
        cgroup.Freeze(CgroupTestBed.Deadline);
        cgroup.KillAll(CgroupTestBed.Deadline);
        CgroupTestBed.Exited(shell);
        Assert.False(cgroup.IsFrozen);
    }

    [CgroupTheory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("both")]
    public void SIGKILL_to_all_reaches_frozen_processes_at_any_depth(string view)
    {
        using var bed = new CgroupTestBed(view);
        var cgroup = bed.Create("c");
        var below = CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c/x/y", null);
        Process[] shells = [bed.Run(below, "exec sleep 60"), bed.Run(below, "exec sleep 60")];
        below.Freeze(CgroupTestBed.Deadline);
        cgroup.Freeze(CgroupTestBed.Deadline);
        Assert.True(cgroup.SignalAll(9));
        foreach (var shell in shells) CgroupTestBed.Exited(shell);
        Assert.False(cgroup.SignalAll(9));
    }

    [CgroupTheory]
    [InlineData("v1")]
    [InlineData("both")]
    public void A_frozen_child_cgroup_is_killed_with_its_parent(string view)
    {
        using var bed = new CgroupTestBed(view);
        var cgroup = bed.Create("c");
        var below = CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c/x/y", null);
        var shell = bed.Run(below, "exec sleep 60");
        below.Freeze(CgroupTestBed.Deadline);
        cgroup.KillAll(CgroupTestBed.Deadline);
        CgroupTestBed.Exited(shell);
    }

    [Fact]
    public void A_listed_pid_that_is_now_a_thread_of_another_process_is_skipped()
    {
        using var stop = new ManualResetEventSlim();
        new Thread(stop.Wait) { IsBackground = true }.Start();
        var thread = Directory.EnumerateDirectories("/proc/self/task").Select(d => int.Parse(Path.GetFileName(d)))
            .First(t => t != Environment.ProcessId);
        Assert.Null(CgroupMembers.TryOpen(thread));
        Assert.False(CgroupMembers.Signal([], [thread], 0));
        stop.Set();
    }

    [CgroupFact]
    public void Processes_in_child_cgroups_are_listed_and_killed_too()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("c");
        var below = CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c/below", null);
        var shell = bed.Run(below, "exec sleep 60");
        Assert.Equal([shell.Id], cgroup.Processes());
        cgroup.KillAll(CgroupTestBed.Deadline);
        CgroupTestBed.Exited(shell);
        cgroup.Delete(CgroupTestBed.Deadline);
        Assert.False(below.Exists);
    }

    [CgroupFact]
    public void A_cgroup_with_our_own_process_is_not_killed()
    {
        using var bed = new CgroupTestBed();
        var tree = bed.Hierarchies.All.First(h => h.Version == 1); // one tree is enough, and sets no limits by itself
        var cgroup = bed.Create("c");
        var ours = Cgroup.Open(new Dictionary<string, string> { [tree.Controllers[0]] = cgroup.Paths[tree.Controllers[0]] });
        File.WriteAllText(ours.Directories[0] + "/cgroup.procs", $"{Environment.ProcessId}");
        try { Assert.Throws<InvalidOperationException>(() => ours.KillAll(CgroupTestBed.Deadline)); }
        finally { File.WriteAllText(tree.OwnDirectory + "/cgroup.procs", $"{Environment.ProcessId}"); }
    }

    [CgroupFact]
    public void An_out_of_memory_kill_is_reported_and_counted()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("c", new ResourcesSpec { Memory = new MemorySpec { Limit = 16 << 20, Swap = 16 << 20 } });
        using var notifier = cgroup.OpenOomNotifier()!;
        Assert.Equal(0UL, cgroup.OomKills());
        Assert.False(Ready(notifier, TimeSpan.Zero));
        var shell = bed.Run(cgroup, "tail /dev/zero; echo ended $?; exec sleep 60");
        Assert.True(Ready(notifier, CgroupTestBed.Deadline), "no report");
        Assert.Equal("ended 137", CgroupTestBed.Line(shell));
        notifier.Acknowledge();
        Assert.Equal(1UL, cgroup.OomKills());
        Assert.False(Ready(notifier, TimeSpan.Zero));
        Assert.InRange(cgroup.Stats().Memory!.Memory.Highest!.Value, 12UL << 20, 16UL << 20);

        var again = bed.Run(cgroup, "tail /dev/zero; echo ended $?");
        Assert.True(Ready(notifier, CgroupTestBed.Deadline), "no second notification");
        Assert.Equal("ended 137", CgroupTestBed.Line(again));
        Assert.Equal(2UL, cgroup.OomKills());
    }

    [CgroupFact]
    public void An_out_of_memory_kill_in_a_child_cgroup_is_counted_in_its_parent()
    {
        using var bed = new CgroupTestBed();
        var cgroup = bed.Create("c", new ResourcesSpec { Memory = new MemorySpec { Limit = 16 << 20, Swap = 16 << 20 } });
        var below = CgroupLimits.Create(bed.Hierarchies, bed.Directory + "/c/below", null);
        var shell = bed.Run(below, "tail /dev/zero; echo ended $?");
        Assert.Equal("ended 137", CgroupTestBed.Line(shell));
        Assert.Equal(1UL, cgroup.OomKills());
    }

    private static long Ticks(int pid)
    {
        var fields = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ');
        return long.Parse(fields[11]) + long.Parse(fields[12]); // utime, stime
    }

    private static bool Ready(OomNotifier notifier, TimeSpan timeout)
    {
        var poll = new PollFd { Fd = notifier.Fd.Number, Events = (short)(notifier.Priority ? 2 : 1) };
        return CgroupProcessTests.poll(ref poll, 1, (int)timeout.TotalMilliseconds) == 1;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events, Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref PollFd fds, nuint count, int milliseconds);
}
