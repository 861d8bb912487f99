namespace Supervisor.Kernel.Oci;

/// <summary>What a spec may ask for and this version does not do.</summary>
internal static class UnsupportedRules
{
    public static IReadOnlyList<UnsupportedField> Of(Spec spec)
    {
        var found = new List<UnsupportedField>();
        var linux = spec.Linux ?? new LinuxSpec();
        if (linux.NetDevices is not null) Add("linux.netDevices", "network devices are not moved");
        if (linux.MemoryPolicy is not null) Add("linux.memoryPolicy", "the NUMA policy is not set");
        if (linux.Resources?.Memory?.Kernel is > 0) Add("linux.resources.memory.kernel", "the kernel no longer limits its own memory (5.16)");
        return found;

        void Add(string field, string reason) => found.Add(new UnsupportedField(field, reason));
    }
}
