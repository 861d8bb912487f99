namespace Supervisor.Runtime.Probing;

/// <summary>The features of this host, found by trying them: distributions backport, so a kernel version says little.</summary>
public static class HostFeatures
{
    /// <summary>
    /// Probes the kernel now. Leaves nothing behind: no descriptor, process, mount, cgroup or loaded module.
    /// </summary>
    /// <returns>All features, in the order to print them.</returns>
    public static IReadOnlyList<HostFeature> Probe() => [.. SyscallProbes.All(), .. CgroupProbes.All(), .. SystemProbes.All()];
}
