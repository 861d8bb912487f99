namespace Supervisor.Runtime.Oci;

/// <summary>Names and numbers of setrlimit(2). asm-generic/resource.h; x86-64 and arm64 have the same.</summary>
public static class Rlimit
{
    private static readonly string[] ByNumber =
    [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
        "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
    ];

    /// <summary>All names, indexed by number.</summary>
    public static IReadOnlyList<string> Names => ByNumber;

    /// <summary>The number of <paramref name="name"/>; null for an unknown name.</summary>
    public static int? TryNumber(string name) => Array.IndexOf(ByNumber, name) is >= 0 and var number ? number : null;
}
