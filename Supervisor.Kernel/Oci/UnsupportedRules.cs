namespace Supervisor.Kernel.Oci;

/// <summary>What a spec may ask for and this version does not do.</summary>
internal static class UnsupportedRules
{
    public static IReadOnlyList<UnsupportedField> Of(Spec spec)
    {
        var found = new List<UnsupportedField>();
        if (spec.Process is { } process) Process(process, Add);
        foreach (var (field, hooks) in HookRules.Lists(spec.Hooks))
            if (hooks.Count > 0) Add(field, "hooks are not run");
        for (var i = 0; i < spec.Mounts.Count; i++)
            if (spec.Mounts[i] is { UidMappings.Count: > 0 } or { GidMappings.Count: > 0 } || MountOptions.Parse(spec.Mounts[i].Options).IdMap)
                Add($"mounts[{i}]", "mounts are not idmapped");
        Linux(spec.Linux ?? new LinuxSpec(), Add);
        return found;

        void Add(string field, string reason) => found.Add(new UnsupportedField(field, reason));
    }

    private static void Process(ProcessSpec process, Action<string, string> add)
    {
        if (!string.IsNullOrEmpty(process.ApparmorProfile)) add("process.apparmorProfile", "AppArmor profiles are not applied");
        if (!string.IsNullOrEmpty(process.SelinuxLabel)) add("process.selinuxLabel", "SELinux labels are not applied");
        if (process.Scheduler is not null) add("process.scheduler", "the scheduler is not set");
        if (process.IoPriority is not null) add("process.ioPriority", "the I/O priority is not set");
        if (process.ExecCPUAffinity is not null) add("process.execCPUAffinity", "the CPUs of an exec are not chosen");
    }

    private static void Linux(LinuxSpec linux, Action<string, string> add)
    {
        for (var i = 0; i < linux.Namespaces.Count; i++)
        {
            if (linux.Namespaces[i].Type is NamespaceKind.User) add($"linux.namespaces[{i}]", "user namespaces are not made or joined");
            if (linux.Namespaces[i].Type is NamespaceKind.Time) add($"linux.namespaces[{i}]", "time namespaces are not made or joined");
        }
        if (linux.Namespaces.All(n => n.Type is not NamespaceKind.Mount))
            add("linux.namespaces", "a container without a mount namespace cannot be made");
        if (linux.Seccomp is not null) add("linux.seccomp", "system calls are not filtered");
        if (!string.IsNullOrEmpty(linux.MountLabel)) add("linux.mountLabel", "SELinux labels are not applied");
        if (linux.IntelRdt is not null) add("linux.intelRdt", "cache and memory bandwidth are not allocated");
        if (linux.Personality is not null) add("linux.personality", "the execution domain is not set");
        if (linux.NetDevices is not null) add("linux.netDevices", "network devices are not moved");
        if (linux.MemoryPolicy is not null) add("linux.memoryPolicy", "the NUMA policy is not set");
        if (linux.Resources?.Network is not null) add("linux.resources.network", "network classes and priorities are not set");
        if (linux.Resources?.Rdma is not null) add("linux.resources.rdma", "RDMA is not limited");
        if (linux.Resources?.Memory?.Kernel is > 0) add("linux.resources.memory.kernel", "the kernel no longer limits its own memory (5.16)");
    }
}
