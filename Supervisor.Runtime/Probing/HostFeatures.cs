namespace Supervisor.Runtime.Probing;

/// <summary>The features of this host, found by trying them: distributions backport, so a kernel version says little.</summary>
public sealed class HostFeatures
{
    private static readonly Lazy<HostFeatures> Found = new(Probe);
    private readonly Dictionary<string, HostFeature> _byName;

    private HostFeatures(IReadOnlyList<HostFeature> all)
    {
        All = all;
        _byName = all.ToDictionary(f => f.Name, StringComparer.Ordinal);
    }

    /// <summary>The features as probed at the first use.</summary>
    public static HostFeatures Current => Found.Value;

    /// <summary>All features, in the order to print them.</summary>
    public IReadOnlyList<HostFeature> All { get; }

    /// <summary>Whether a feature is present and usable.</summary>
    /// <exception cref="KeyNotFoundException">No feature has that name: a typo.</exception>
    public bool Has(string name) => _byName[name].Present;

    /// <summary>Probes the kernel now. Leaves nothing behind: no descriptor, process, mount, cgroup or loaded module.</summary>
    public static HostFeatures Probe() => new([.. SyscallProbes.All(), .. CgroupProbes.All(), .. SystemProbes.All()]);
}
