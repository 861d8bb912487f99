using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// What a container's init leaves in its cgroup when it ends. The kernel ends the others of a pid namespace with its first
/// process;
/// in the host's, or one shared with other containers, nothing does, and they would go on unseen.
/// </summary>
internal static class LeftBehind
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Completes when nothing of it is left: at once, on the caller's thread, where that is so already.</summary>
    /// <exception cref="TimeoutException">Something does not die.</exception>
    public static Task End(Cgroup cgroup) => cgroup.IsEmpty ? Task.CompletedTask
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
