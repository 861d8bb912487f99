namespace Supervisor.Runtime.Oci;

/// <summary>Validates a NUMA policy. linux/mempolicy.h; the names are those of the runtime specification 1.3.</summary>
internal static class MemoryPolicyRules
{
    /// <summary>Number of nodes that a policy can name.</summary>
    public const int MostNodes = 1024;

    public static IReadOnlyDictionary<string, int> Modes { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["MPOL_DEFAULT"] = 0, ["MPOL_PREFERRED"] = 1, ["MPOL_BIND"] = 2, ["MPOL_INTERLEAVE"] = 3, ["MPOL_LOCAL"] = 4,
        ["MPOL_PREFERRED_MANY"] = 5, ["MPOL_WEIGHTED_INTERLEAVE"] = 6,
    };

    public static IReadOnlyDictionary<string, int> Flags { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["MPOL_F_NUMA_BALANCING"] = 1 << 13, ["MPOL_F_RELATIVE_NODES"] = 1 << 14, ["MPOL_F_STATIC_NODES"] = 1 << 15,
    };

    public static void Check(MemoryPolicySpec policy, string prefix)
    {
        if (!Modes.ContainsKey(policy.Mode))
            throw new InvalidSpecException(prefix + "mode", $"\"{policy.Mode}\" is not one of {string.Join(", ", Modes.Keys)}");
        Text.NumberList(prefix + "nodes", policy.Nodes);
        if (NumberLists.Last(policy.Nodes) >= MostNodes)
            throw new InvalidSpecException(prefix + "nodes", $"\"{policy.Nodes}\" has a node over {MostNodes - 1}");
        var hasNodes = !string.IsNullOrEmpty(policy.Nodes);
        if (policy.Mode is "MPOL_DEFAULT" or "MPOL_LOCAL" && hasNodes)
            throw new InvalidSpecException(prefix + "nodes", $"{policy.Mode} takes none");
        if (policy.Mode is not ("MPOL_DEFAULT" or "MPOL_LOCAL" or "MPOL_PREFERRED") && !hasNodes)
            throw new InvalidSpecException(prefix + "nodes", $"is missing: {policy.Mode} requires it");
        for (var i = 0; i < policy.Flags.Count; i++)
            if (!Flags.ContainsKey(policy.Flags[i]))
                throw new InvalidSpecException(
                $"{prefix}flags[{i}]", $"\"{policy.Flags[i]}\" is not one of {string.Join(", ", Flags.Keys)}");
        if (policy.Flags.Contains("MPOL_F_STATIC_NODES") && policy.Flags.Contains("MPOL_F_RELATIVE_NODES"))
            throw new InvalidSpecException(prefix + "flags", "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
    }
}
