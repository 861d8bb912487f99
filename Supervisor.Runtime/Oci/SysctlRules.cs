namespace Supervisor.Runtime.Oci;

/// <summary>
/// The kernel parameters that belong to a namespace, so that a container may set them. Everything else would change the
/// host (CVE-2022-0811).
/// </summary>
public static class SysctlRules
{
    // Registered per IPC namespace: ipc/ipc_sysctl.c. kernel.*_next_id is left out: it needs CAP_CHECKPOINT_RESTORE.
    private static readonly HashSet<string> Ipc = new(StringComparer.Ordinal)
    {
        "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax", "kernel/shmmni",
        "kernel/shm_rmid_forced",
    };

    /// <summary>
    /// Path below /proc/sys. The first separator decides, as with sysctl(8): <c>net.ipv4.conf.eth0/1.rp_filter</c> and
    /// <c>net/ipv4/conf/eth0.1/rp_filter</c> are the same.
    /// </summary>
    /// <returns>Null for a name with an empty part, <c>.</c>, <c>..</c>, or a character outside
    /// <c>[A-Za-z0-9_./:@-]</c>.</returns>
    public static string? TryPath(string name)
    {
        if (name.Length is 0 or > 255) return null;
        foreach (var c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '/' or '-' or ':' or '@')) return null;
        if (name[Math.Max(0, name.AsSpan().IndexOfAny('.', '/'))] is '.')
            name = string.Create(name.Length, name, static (to, from) =>
            {
                for (var i = 0; i < to.Length; i++) to[i] = from[i] switch { '.' => '/', '/' => '.', var c => c };
            });
        return name.Split('/').Any(part => part is "" or "." or "..") ? null : name;
    }

    /// <summary>
    /// The kind of namespace that <paramref name="path"/> (of <see cref="TryPath"/>) belongs to; null for none.
    /// </summary>
    public static string? NamespaceOf(string path) =>
        Ipc.Contains(path) || path.StartsWith("fs/mqueue/", StringComparison.Ordinal) ? NamespaceKind.Ipc
        : path.StartsWith("net/", StringComparison.Ordinal) ? NamespaceKind.Network
        : path is "kernel/domainname" ? NamespaceKind.Uts
        : null;
}
