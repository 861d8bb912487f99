namespace Supervisor.Runtime.Oci;

/// <summary>The entries of a spec that this version does not support.</summary>
internal static class UnsupportedRules
{
    public static IReadOnlyList<UnsupportedField> Of(Spec spec)
    {
        var found = new List<UnsupportedField>();
        var linux = spec.Linux ?? new LinuxSpec();
        if (spec.Vm is not null) Add("vm", "virtual machines are not supported");
        if (linux.IntelRdt is not null) Add("linux.intelRdt", "cache and memory bandwidth allocation is not supported");
        return found;

        void Add(string field, string reason) => found.Add(new UnsupportedField(field, reason));
    }
}
