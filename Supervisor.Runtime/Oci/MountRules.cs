namespace Supervisor.Runtime.Oci;

/// <summary>Validates a mount's spec.</summary>
internal static class MountRules
{
    // The files that lxcfs and the like mount there; runc's list.
    private static readonly HashSet<string> InProc = new(StringComparer.Ordinal)
    {
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo", "sys/kernel/ns_last_pid",
        "sys/crypto/fips_enabled",
    };

    private const int Most = 4096; // a mount namespace may hold 100,000 by default (sysctl fs.mount-max)

    public static void Check(IReadOnlyList<MountSpec> mounts)
    {
        if (mounts.Count > Most) throw new InvalidSpecException("mounts", $"has more than {Most} entries");
        for (var i = 0; i < mounts.Count; i++) Check($"mounts[{i}]", mounts[i]);
    }

    private static void Check(string field, MountSpec mount)
    {
        Text.AbsolutePath(field + ".destination", mount.Destination);
        if (mount.Type is { } type) Text.NoNul(field + ".type", type);
        if (mount.Source is { } source) Text.NoNul(field + ".source", source);
        for (var i = 0; i < mount.Options.Count; i++) Text.NoNul($"{field}.options[{i}]", mount.Options[i]);
        var options = MountOptions.Parse(mount.Options);
        var bind = options.Bind || mount.Type is "bind";
        if (bind)
        {
            if (string.IsNullOrEmpty(mount.Source))
                throw new InvalidSpecException(field + ".source", "is missing: a bind mount requires it");
        }
        else if (string.IsNullOrEmpty(mount.Type) || mount.Type is "none")
        {
            // A remount or a change of propagation has no type.
            if (!options.Remount && options.Propagation == 0)
                throw new InvalidSpecException(field + ".type", "is missing: only a bind mount has none");
        }
        Proc(field, mount, bind);
        if (options.CopyUp && mount.Type is not "tmpfs")
            throw new InvalidSpecException(
                $"{field}.options[{IndexOf(mount.Options, "tmpcopyup")}]", "only a tmpfs supports it");
        if (!bind && mount.UidMappings.Count > 0)
            throw new InvalidSpecException(field + ".uidMappings", "only a bind mount can be idmapped");
        if (!bind && mount.GidMappings.Count > 0)
            throw new InvalidSpecException(field + ".gidMappings", "only a bind mount can be idmapped");
        if (options.IdMap && !bind)
            throw new InvalidSpecException($"{field}.options", "only a bind mount can be idmapped");
    }

    /// <summary>
    /// Limits mounts on and below /proc: a mount could replace files there that the runtime or the container trusts
    /// (CVE-2019-16884).
    /// </summary>
    private static void Proc(string field, MountSpec mount, bool bind)
    {
        if (!mount.Destination.StartsWith("/proc", StringComparison.Ordinal)) return;
        var path = string.Join('/', mount.Destination.Split('/', StringSplitOptions.RemoveEmptyEntries));
        if (path == "proc")
        {
            if (mount.Type is "proc" or null or "" or "none" && !bind || bind && mount.Source?.TrimEnd('/') is "/proc") return;
            throw new InvalidSpecException(field + ".destination", "only a procfs may be mounted on /proc");
        }
        if (path.StartsWith("proc/", StringComparison.Ordinal) && !InProc.Contains(path["proc/".Length..]))
            throw new InvalidSpecException(
                field + ".destination",
                $"\"{mount.Destination}\" is inside /proc, where only {string.Join(", ", InProc)} may be mounted");
    }

    private static int IndexOf(IReadOnlyList<string> words, string word)
    {
        for (var i = 0; i < words.Count; i++) if (words[i] == word) return i;
        return 0;
    }
}
