using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// The processes that a container's init leaves in its cgroup when it exits. The kernel kills the others of a pid namespace
/// when its first process exits; in the host's, or a shared one, they would keep running unnoticed.
/// </summary>
internal static class LeftoverProcesses
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Kills them; completes when the cgroup is empty, at once on the caller's thread if it is already.</summary>
    /// <exception cref="TimeoutException">Something does not die.</exception>
    public static Task KillAsync(Cgroup cgroup) => cgroup.IsEmpty ? Task.CompletedTask
        : Task.Factory.StartNew(
            () => Kill(cgroup), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Kill(Cgroup cgroup)
    {
        try
        {
            cgroup.KillAll(Timeout);
        }
        catch (CgroupException e) when (e.Errno is Errno.ENOENT or Errno.ENODEV)
        {
        } // it is being removed
    }
}
