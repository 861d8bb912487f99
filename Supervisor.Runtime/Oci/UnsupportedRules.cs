namespace Supervisor.Runtime.Oci;

/// <summary>What a spec may ask for and this version does not do.</summary>
internal static class UnsupportedRules
{
    public static IReadOnlyList<UnsupportedField> Of(Spec spec)
    {
        var found = new List<UnsupportedField>();
        var linux = spec.Linux ?? new LinuxSpec();
        if (spec.Vm is not null) Add("vm", "containers are not run in virtual machines");
        if (linux.IntelRdt is not null) Add("linux.intelRdt", "cache and memory bandwidth are not allocated");
        return found;

        void Add(string field, string reason) => found.Add(new UnsupportedField(field, reason));
    }
}
