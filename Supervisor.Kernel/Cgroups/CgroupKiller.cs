using System.Diagnostics;
using Supervisor.Kernel.Abi;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// Kills everything in a cgroup. Where the host has a v2 tree, cgroup.kill (Linux 5.14) does it without a race. What is
/// left is frozen, so that it cannot fork, and killed one by one through pidfds.
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
                $"cgroup \"{cgroup.Directories[0]}\" holds this process; killing it would kill us");
        while (true)
        {
            // cgroup.kill is missing before 5.14; and v1 keeps frozen processes from dying, whoever kills them.
            var told = cgroup.V2Directory is { } v2 && CgroupFile.TryWrite(v2, "cgroup.kill", "1") is Errno.None;
            var left = CgroupMembers.Of(cgroup.Directories);
            if (told && !cgroup.IsFrozen)
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
                throw new TimeoutException($"cgroup \"{cgroup.Directories[0]}\": not dead {timeout} after SIGKILL: {left}");
        }
    }

    private static TimeSpan Least(TimeSpan left) => left < TimeSpan.Zero ? TimeSpan.Zero : left < Patience ? left : Patience;

    private void KillFrozen(IReadOnlyList<int> pids, TimeSpan timeout)
    {
        var freezer = Freezer.TryOf(cgroup);
        try { freezer?.Freeze(timeout); }
        catch (TimeoutException) { } // then forks may slip through, to be found in the next round
        catch (CgroupException e) when (e.Errno is Errno.ENOENT or Errno.ENODEV) { freezer = null; }
        try
        {
            // Listed anew: what was forked before the freeze is in it, and what is frozen forks no more.
            pids = freezer is null ? pids : CgroupMembers.Of(cgroup.Directories).Pids;
            foreach (var batch in pids.Chunk(Batch)) CgroupMembers.Signal(cgroup.Directories, batch, SIGKILL);
        }
        finally
        {
            try { freezer?.Thaw(Patience); }
            catch (TimeoutException) { } // thawing goes on by itself; the next round looks again
            catch (CgroupException e) when (e.Errno is Errno.ENOENT or Errno.ENODEV) { }
            cgroup.LetKilledEnd(); // what is frozen in itself, below
        }
    }

    // A pidfd becomes readable when its process has ended. pidfd_open(2).
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
        // Ended, but not yet off the lists; or hidden from us: nothing to wait on.
        if (clock.Elapsed < TimeSpan.FromMilliseconds(1)) Thread.Sleep(1);
    }
}
