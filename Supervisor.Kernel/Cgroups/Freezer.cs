using System.Diagnostics;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;

namespace Supervisor.Kernel.Cgroups;

/// <summary>Stops and continues all processes of a cgroup, with either version's freezer.</summary>
internal abstract class Freezer
{
    public static Freezer Of(Cgroup cgroup) => TryOf(cgroup) ??
        throw new CgroupException(
            cgroup.Directories[0], null, Errno.ENOENT, "this host has neither a v1 freezer nor cgroup.freeze (Linux 5.2)");

    public static Freezer? TryOf(Cgroup cgroup)
    {
        if (cgroup.Paths.TryGetValue("freezer", out var v1)) return new FreezerV1(v1);
        return cgroup.V2Directory is { } v2 && CgroupFile.Exists(v2 + "/cgroup.freeze") ? new FreezerV2(v2) : null;
    }

    /// <summary>Whether a directory is frozen, itself or by a parent.</summary>
    public static bool IsFrozenDirectory(string directory) =>
        new FreezerV1(directory).IsEffectivelyFrozen || new FreezerV2(directory).IsEffectivelyFrozen;

    /// <summary>Whether it is frozen or freezing.</summary>
    public abstract bool IsFrozen { get; }

    /// <summary>As <see cref="IsFrozen"/>, also where a parent is frozen.</summary>
    public abstract bool IsEffectivelyFrozen { get; }

    public abstract void Freeze(TimeSpan timeout);

    public abstract void Thaw(TimeSpan timeout);
}

/// <summary>freezer.state of v1: THAWED, FREEZING, FROZEN. Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst.</summary>
internal sealed class FreezerV1(string directory) : Freezer
{
    private const string File = "freezer.state";

    public override bool IsFrozen => State is not "THAWED" and not "";

    public override bool IsEffectivelyFrozen => IsFrozen; // freezer.state includes the parents

    /// <summary>Thaws it and all below it, from the top, without waiting. Ignores what is gone.</summary>
    public static void ThawTree(string directory)
    {
        foreach (var one in CgroupMembers.Tree(directory)) CgroupFile.TryWrite(one, File, "THAWED");
    }

    private string State => CgroupFile.TryReadValue(directory + "/" + File) ?? "";

    public override void Freeze(TimeSpan timeout)
    {
        if (TryWaitForState("FROZEN", timeout)) return;
        CgroupFile.TryWrite(directory, File, "THAWED");
        throw new TimeoutException($"cgroup \"{directory}\" was still {State} after {timeout}; it has been thawed");
    }

    public override void Thaw(TimeSpan timeout)
    {
        if (!TryWaitForState("THAWED", timeout))
            throw new TimeoutException($"cgroup \"{directory}\" was still {State} after {timeout}");
    }

    // A process that forks meanwhile can leave the state at FREEZING for good; writing it again freezes the new process.
    // v1 does not notify when it is done: poll, at growing intervals.
    private bool TryWaitForState(string state, TimeSpan timeout)
    {
        var clock = Stopwatch.StartNew();
        for (var pause = 1; ; pause = Math.Min(pause * 2, 20))
        {
            CgroupFile.Write(directory, File, state);
            if (State == state) return true;
            if (clock.Elapsed >= timeout) return false;
            Thread.Sleep(pause);
        }
    }
}

/// <summary>cgroup.freeze and cgroup.events of v2 (Linux 5.2); poll(2) reports changes of the latter as POLLPRI.</summary>
internal sealed class FreezerV2(string directory) : Freezer
{
    public override bool IsFrozen => CgroupFile.TryRead(directory + "/cgroup.freeze")?.Trim() is "1";

    public override bool IsEffectivelyFrozen =>
        IsFrozen || CgroupText.Numbers(CgroupFile.TryRead(directory + "/cgroup.events") ?? "").GetValueOrDefault("frozen") == 1;

    public override void Freeze(TimeSpan timeout)
    {
        if (TryWaitForState("1", timeout)) return;
        CgroupFile.TryWrite(directory, "cgroup.freeze", "0");
        throw new TimeoutException($"cgroup \"{directory}\" was not frozen after {timeout}; it has been thawed");
    }

    public override void Thaw(TimeSpan timeout)
    {
        if (!TryWaitForState("0", timeout))
            throw new TimeoutException($"cgroup \"{directory}\" was still frozen after {timeout}");
    }

    private bool TryWaitForState(string state, TimeSpan timeout)
    {
        var clock = Stopwatch.StartNew();
        var path = directory + "/cgroup.events";
        CgroupFile.Write(directory, "cgroup.freeze", state);
        while (true)
        {
            using var events = Fd.Open(path, OpenFlags.O_RDONLY); // opened before it is read: a change in between wakes the poll
            var text = KernelFile.ReadAll(events, path);
            if (CgroupText.Numbers(text).GetValueOrDefault("frozen") == (state is "1" ? 1UL : 0)) return true;
            var left = timeout - clock.Elapsed;
            if (left <= TimeSpan.Zero) return false;
            var milliseconds = Math.Ceiling(Math.Min(left.TotalMilliseconds, 60_000));
            Poll.Wait(events.Number, PollEvents.POLLPRI, TimeSpan.FromMilliseconds(milliseconds));
        }
    }
}
