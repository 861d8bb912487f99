using System.Diagnostics;
using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// Kills everything in a cgroup. Where the host has a v2 hierarchy, cgroup.kill (Linux 5.14) does it without a race. What is
/// left is frozen, so that it cannot fork, and killed process by process through pidfds.
/// </summary>
internal sealed class CgroupKiller(Cgroup cgroup)
{
    private const int Batch = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250); // how long one round waits

    public void Kill(TimeSpan timeout)
    {
        var clock = Stopwatch.StartNew();
        if (CgroupMembers.Of(cgroup.Directories).Pids.Contains(Environment.ProcessId))
            throw new InvalidOperationException(
                $"cgroup \"{cgroup.Directories[0]}\" contains this process, which would be killed too");
        while (true)
        {
            // cgroup.kill is missing before 5.14; and frozen processes of v1 do not die, however they are killed.
            var killed = cgroup.V2Directory is { } v2 && CgroupFile.TryWrite(v2, "cgroup.kill", "1") is Errno.None;
            var left = CgroupMembers.Of(cgroup.Directories);
            if (killed && !cgroup.IsFrozen)
            {
                Await(left.Pids, Least(timeout - clock.Elapsed));
                left = CgroupMembers.Of(cgroup.Directories);
            }
            if (left.IsEmpty && !cgroup.IsFrozen) return;
            KillFrozen(left.Pids, Least(timeout - clock.Elapsed));
            left = CgroupMembers.Of(cgroup.Directories);
            if (left.IsEmpty) return;
            Await(left.Pids, Least(timeout - clock.Elapsed));
            left = CgroupMembers.Of(cgroup.Directories);
            if (left.IsEmpty) return;
            if (clock.Elapsed >= timeout)
                throw new TimeoutException($"cgroup \"{cgroup.Directories[0]}\": still running {timeout} after SIGKILL: {left}");
        }
    }

    private static TimeSpan Least(TimeSpan left) => left < TimeSpan.Zero ? TimeSpan.Zero : left < Patience ? left : Patience;

    private void KillFrozen(IReadOnlyList<int> pids, TimeSpan timeout)
    {
        var freezer = Freezer.TryOf(cgroup);
        try { freezer?.Freeze(timeout); }
        catch (TimeoutException) { } // a fork may be missed; the next round finds it
        catch (CgroupException e) when (e.Errno is Errno.ENOENT or Errno.ENODEV) { freezer = null; }
        try
        {
            // Listed again: this includes what was forked before the freeze, and frozen processes do not fork.
            pids = freezer is null ? pids : CgroupMembers.Of(cgroup.Directories).Pids;
            foreach (var batch in pids.Chunk(Batch)) CgroupMembers.Signal(cgroup.Directories, batch, SIGKILL);
        }
        finally
        {
            try { freezer?.Thaw(Patience); }
            catch (TimeoutException) { } // thawing continues by itself; the next round checks again
            catch (CgroupException e) when (e.Errno is Errno.ENOENT or Errno.ENODEV) { }
            cgroup.ThawAfterKill(); // also thaws cgroups below that are frozen themselves
        }
    }

    // A pidfd becomes readable when its process has exited. pidfd_open(2).
    private static void Await(IReadOnlyList<int> pids, TimeSpan timeout)
    {
        var clock = Stopwatch.StartNew();
        foreach (var pid in pids.Take(Batch))
        {
            using var fd = CgroupMembers.TryOpen(pid);
            var left = timeout - clock.Elapsed;
            if (fd is null || left <= TimeSpan.Zero) continue;
            fd.WaitForExit(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)));
        }
        // Exited, but not yet off the lists; or hidden from us: nothing to wait on.
        if (clock.Elapsed < TimeSpan.FromMilliseconds(1)) Thread.Sleep(1);
    }
}
