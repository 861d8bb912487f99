namespace Supervisor.Runtime.Oci;

/// <summary>The values of the names in a seccomp profile. linux/seccomp.h, seccomp.h of libseccomp 2.5.</summary>
internal static class SeccompWords
{
    public const uint Errno = 0x00050000, Trace = 0x7ff00000, Notify = 0x7fc00000, Allow = 0x7fff0000, Log = 0x7ffc0000;

    /// <summary>SECCOMP_FILTER_FLAG_*.</summary>
    public const uint NewListener = 8, SpecAllow = 4, WaitKillable = 32;

    public static IReadOnlyDictionary<string, uint> Actions { get; } = new Dictionary<string, uint>(StringComparer.Ordinal)
    {
        ["SCMP_ACT_KILL"] = 0, ["SCMP_ACT_KILL_THREAD"] = 0, ["SCMP_ACT_KILL_PROCESS"] = 0x80000000,
        ["SCMP_ACT_TRAP"] = 0x00030000,
        ["SCMP_ACT_ERRNO"] = Errno, ["SCMP_ACT_TRACE"] = Trace, ["SCMP_ACT_LOG"] = Log, ["SCMP_ACT_ALLOW"] = Allow,
        ["SCMP_ACT_NOTIFY"] = Notify,
    };

    public static IReadOnlyDictionary<string, int> Comparisons { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["SCMP_CMP_NE"] = 1, ["SCMP_CMP_LT"] = 2, ["SCMP_CMP_LE"] = 3, ["SCMP_CMP_EQ"] = 4, ["SCMP_CMP_GE"] = 5,
        ["SCMP_CMP_GT"] = 6,
        ["SCMP_CMP_MASKED_EQ"] = 7,
    };

    // TSYNC applies the filter to all threads; the init has only one, so it is accepted and ignored.
    public static IReadOnlyDictionary<string, uint> Flags { get; } = new Dictionary<string, uint>(StringComparer.Ordinal)
    {
        ["SECCOMP_FILTER_FLAG_TSYNC"] = 0, ["SECCOMP_FILTER_FLAG_LOG"] = 2, ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"] = SpecAllow,
        ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] = WaitKillable,
    };

    public static IReadOnlySet<string> Architectures { get; } = new HashSet<string>(
        ((string[])["X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64", "MIPSEL64N32",
            "PPC", "PPC64",
            "PPC64LE", "S390", "S390X", "PARISC", "PARISC64", "RISCV64", "LOONGARCH64", "M68K", "SH", "SHEB"])
                .Select(a => "SCMP_ARCH_" + a), StringComparer.Ordinal);
}
