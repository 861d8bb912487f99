using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Kernel.Cgroups;

/// <summary>
/// A single process in a frozen v1 cgroup: after SIGKILL it does not exit before it is thawed, while the others in its cgroup
/// stay frozen.
/// </summary>
/// <remarks>Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst. Freezers of v2 let SIGKILL through.</remarks>
internal static class FrozenProcess
{
    /// <summary>
    /// To be called after a SIGKILL to one process: if it is frozen, moves it into our own freezer cgroup, which is thawed, since
    /// we run. A frozen process cannot exit, so its pid is not reused meanwhile.
    /// </summary>
    /// <param name="pidfd">Of the process with this pid.</param>
    public static void ThawAfterKill(int pid, Pidfd pidfd, CgroupHierarchies hierarchies)
    {
        if (hierarchies.All.FirstOrDefault(h => h.Controllers.Contains("freezer")) is not { } freezer) return;
        string lines;
        try
        {
            lines = KernelFile.Read($"/proc/{pid}/cgroup");
        }
        catch (IOException)
        {
            return; // it has exited
        }
        var line = lines.Split('\n')
            .FirstOrDefault(l => l.Split(':') is [_, var names, ..] && names.Split(',').Contains("freezer"));
        if (line is null || freezer.DirectoryOf(line.Split(':', 3)[2]) is not { } directory) return;
        if (!new FreezerV1(directory).IsEffectivelyFrozen || pidfd.WaitForExit(TimeSpan.Zero)) return;
        CgroupFile.TryWrite(freezer.OwnDirectory, "cgroup.procs", $"{pid}");
    }
}
