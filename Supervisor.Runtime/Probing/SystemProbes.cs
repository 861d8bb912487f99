using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Probing;

/// <summary>Probes of /proc and /sys: namespaces, file systems, security modules, and our user and capabilities.</summary>
internal static class SystemProbes
{
    public static IEnumerable<HostFeature> All() =>
    [
        .. Namespaces(), UserNamespaces(), Overlay(), Seccomp(), AppArmor(), SELinux(), Root(), Capabilities(), PtraceScope(),
        Criu(),
    ];

    private static IEnumerable<HostFeature> Namespaces()
    {
        foreach (var (file, use) in ((string, string)[])
        [
            ("pid", "process ids of their own"), ("net", "network of their own"), ("mnt", "mounts of their own"),
            ("ipc", "System V IPC and message queues of their own"),
            ("uts", "host names of their own"), ("cgroup", "hiding the host's cgroups"), ("time", "clock offsets (Linux 5.6)"),
        ])
        {
            var there = File.Exists("/proc/self/ns/" + file);
            yield return new($"{file} namespace", there, there ? "yes" : "not in this kernel", use);
        }
    }

    private static HostFeature UserNamespaces()
    {
        const string name = "user namespace", use = "running without root; mapping a container's root to an unprivileged user";
        if (!File.Exists("/proc/self/ns/user")) return new(name, false, "not in this kernel", use);
        if (ProbeFile.TryRead("/proc/sys/user/max_user_namespaces") is "0")
            return new(name, false, "sysctl user.max_user_namespaces is 0", use);
        var restrictions = new List<string>();
        if (ProbeFile.TryRead("/proc/sys/kernel/unprivileged_userns_clone") is "0")
            restrictions.Add("sysctl kernel.unprivileged_userns_clone is 0");
        if (ProbeFile.TryRead("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") is "1")
            restrictions.Add("AppArmor restricts them (sysctl kernel.apparmor_restrict_unprivileged_userns)");
        return restrictions.Count == 0
            ? new(name, true, "yes", use)
            : new(name, IsRoot, "for root only: " + string.Join("; ", restrictions), use);
    }

    // Trying mount(2) would load the module: /proc/filesystems lists what is loaded.
    private static HostFeature Overlay()
    {
        var listed = ProbeFile.TryRead("/proc/filesystems")?.Split('\n').Any(l => l.Trim().Split('\t')[^1] == "overlay") ?? false;
        return new("overlayfs", listed, listed
            ? "yes" : "not listed in /proc/filesystems; the kernel may have it as a module", "image layers without copying");
    }

    private static HostFeature Seccomp()
    {
        var actions = ProbeFile.TryRead("/proc/sys/kernel/seccomp/actions_avail");
        return new("seccomp", actions is not null, actions ?? "not in this kernel", "filters on system calls");
    }

    private static HostFeature AppArmor()
    {
        var enabled = ProbeFile.TryRead("/sys/module/apparmor/parameters/enabled") is "Y";
        return new("AppArmor", enabled, enabled ? "enabled" : "not enabled", "profiles named in a spec");
    }

    private static HostFeature SELinux()
    {
        var enforce = ProbeFile.TryRead("/sys/fs/selinux/enforce");
        return new("SELinux", enforce is not null,
            enforce switch { "1" => "enforcing", null => "not enabled", _ => "permissive" }, "labels named in a spec");
    }

    private static bool IsRoot => ProbeFile.Status("Uid") is [_, "0", ..];

    private static HostFeature Root()
    {
        // The first namespace maps every id to itself: "0 0 4294967295".
        var map = (ProbeFile.TryRead("/proc/self/uid_map") ?? "")
            .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var first = map is ["0", "0", "4294967295"];
        var detail = (IsRoot, first) switch
        {
            (true, true) => "root",
            (true, false) => "root of a user namespace",
            _ => "rootless: user " + (ProbeFile.Status("Uid") is [_, var uid, ..] ? uid : "unknown"),
        };
        return new("root", IsRoot && first, detail, "containers without a user namespace");
    }

    private static HostFeature Capabilities()
    {
        var last = int.TryParse(ProbeFile.TryRead("/proc/sys/kernel/cap_last_cap"), out var number) ? number : 40;
        var missing = Capability.NamesOf(ulong.MaxValue >> (63 - last) & ~ProbeFile.EffectiveCapabilities);
        return new("capabilities", missing.Count == 0, missing.Count == 0
            ? $"all {last + 1}" : "missing: " + string.Join(", ", missing),
            "giving them to containers; CAP_SYS_RESOURCE for raising hard limits, CAP_SYS_ADMIN for nearly all the rest");
    }

    private static HostFeature PtraceScope()
    {
        var scope = ProbeFile.TryRead("/proc/sys/kernel/yama/ptrace_scope");
        return new("ptrace", scope is not "3", scope switch
        {
            null or "0" => "not restricted",
            "1" => "descendants only (Yama)",
            "2" => "with CAP_SYS_PTRACE only (Yama)",
            _ => "not at all (Yama)",
        }, "debuggers in containers, and checkpoints");
    }

    private static HostFeature Criu()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(d => d + "/criu").FirstOrDefault(File.Exists);
        return new("criu", path is not null, path ?? "not in PATH", "checkpoint and restore");
    }
}
