using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Resources;

/// <summary>Which devices a container may use, by the v1 controller. Documentation/admin-guide/cgroup-v1/devices.rst.</summary>
internal static class DeviceAccess
{
    // Making a node is harmless without opening it; the others are the default devices of every container's /dev.
    private static readonly string[] Always =
    [
        "c *:* m", "b *:* m",
        "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", // null, zero, full, random, urandom
        "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm",                         // tty, ptmx, pseudo terminals
    ];

    /// <summary><see cref="Always"/> as rules of a spec.</summary>
    public static IReadOnlyList<DeviceRuleSpec> AlwaysAllowed { get; } = [.. Always.Select(text =>
    {
        var words = text.Split((char[])[' ', ':']);
        return new DeviceRuleSpec {
            Allow = true, Type = words[0], Major = Parse(words[1]), Minor = Parse(words[2]), Access = words[3] };
        static long? Parse(string number) => number is "*" ? null : long.Parse(number);
    })];

    /// <summary>Denies everything, then follows the rules in order, then allows what every container needs.</summary>
    public static void Set(string directory, IReadOnlyList<DeviceRuleSpec> rules)
    {
        CgroupFile.Write(directory, "devices.deny", "a");
        foreach (var rule in rules.Select(WithNodes).OfType<DeviceRuleSpec>())
            CgroupFile.Write(directory, rule.Allow ? "devices.allow" : "devices.deny", Text(rule));
        CgroupFile.WriteAll(directory, "devices.allow", Always);
    }

    /// <summary>
    /// The rule without what <see cref="Always"/> allows again: a denied exception stays denied, even if a later rule is wider.
    /// The container's init makes the nodes of linux.devices.
    /// </summary>
    /// <returns>Null when nothing is left of it.</returns>
    private static DeviceRuleSpec? WithNodes(DeviceRuleSpec rule)
    {
        if (rule.Allow || rule.Type is not ("c" or "b")) return rule;
        var access = Access(rule).Replace("m", "", StringComparison.Ordinal);
        return access.Length == 0 ? null : rule with { Access = access };
    }

    /// <summary>Each letter once: the kernel reads three at most.</summary>
    private static string Access(DeviceRuleSpec rule) =>
        string.IsNullOrEmpty(rule.Access)
            ? "rwm" : new string([.. "rwm".Where(c => rule.Access.Contains(c, StringComparison.Ordinal))]);

    /// <summary>The rule as the kernel reads it.</summary>
    internal static string Text(DeviceRuleSpec rule)
    {
        var access = Access(rule);
        var type = string.IsNullOrEmpty(rule.Type) ? "a" : rule.Type;
        // As in SpecValidator: it would become a rule for all devices.
        if (type == "a" && (rule.Major is >= 0 || rule.Minor is >= 0 || !"rwm".All(access.Contains)))
            throw new InvalidSpecException(
                "linux.resources.devices", "a rule for all types cannot be narrowed: give type c or b");
        return type == "a" ? "a" : $"{type} {Number(rule.Major)}:{Number(rule.Minor)} {access}";
    }

    private static string Number(long? number) => number is null or < 0 ? "*" : $"{number}";
}
