namespace Supervisor.Runtime.Probing;

/// <summary>What this host can do, found out by doing it: a version number says little on a distribution's kernel.</summary>
public sealed class HostFeatures
{
    private static readonly Lazy<HostFeatures> Found = new(Probe);
    private readonly Dictionary<string, HostFeature> _byName;

    private HostFeatures(IReadOnlyList<HostFeature> all)
    {
        All = all;
        _byName = all.ToDictionary(f => f.Name, StringComparer.Ordinal);
    }

    /// <summary>As found when first asked for.</summary>
    public static HostFeatures Current => Found.Value;

    /// <summary>In the order in which a person wants to read them.</summary>
    public IReadOnlyList<HostFeature> All { get; }

    /// <summary>Whether a feature is there and usable.</summary>
    /// <exception cref="KeyNotFoundException">No feature has that name: a slip of the pen.</exception>
    public bool Has(string name) => _byName[name].Present;

    /// <summary>Asks the kernel, now. Leaves nothing behind: no descriptor, process, mount, cgroup or loaded module.</summary>
    public static HostFeatures Probe() => new([.. SyscallProbes.All(), .. CgroupProbes.All(), .. SystemProbes.All()]);
}
