namespace Supervisor.Runtime.Oci;

/// <summary>Names and numbers of capabilities(7). linux/capability.h, Linux 5.9 (no newer ones up to 6.18).</summary>
public static class Capability
{
    private static readonly string[] ByNumber =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
        "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
        "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
        "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
        "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
        "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ];

    private static readonly Dictionary<string, int> Numbers =
        ByNumber.Select((name, number) => (name, number)).ToDictionary(c => c.name, c => c.number, StringComparer.Ordinal);

    /// <summary>All names, indexed by number.</summary>
    public static IReadOnlyList<string> Names => ByNumber;

    /// <summary>The number of <paramref name="name"/>; null for an unknown name.</summary>
    public static int? TryNumber(string name) => Numbers.TryGetValue(name, out var number) ? number : null;

    /// <summary>The set as capset(2) and /proc/self/status write it: bit n for number n.</summary>
    /// <remarks>
    /// Unknown names are left out, as the specification demands; <see cref="SpecValidator.Ignored"/> reports them.
    /// </remarks>
    public static ulong Mask(IEnumerable<string> names)
    {
        var mask = 0UL;
        foreach (var name in names)
            if (TryNumber(name) is { } number) mask |= 1UL << number;
        return mask;
    }

    /// <summary>Only what is permitted and inheritable can be ambient. capabilities(7).</summary>
    public static bool CanBeAmbient(CapabilitiesSpec sets, string name) =>
        sets.Permitted.Contains(name) && sets.Inheritable.Contains(name);

    /// <summary>The names of a set; a number without a name as <c>CAP_41</c>.</summary>
    public static IReadOnlyList<string> NamesOf(ulong mask) =>
        [.. Enumerable.Range(0, 64).Where(n => (mask >> n & 1) != 0).Select(n => n < ByNumber.Length ? ByNumber[n] : $"CAP_{n}")];
}
