namespace Supervisor.Runtime.Oci;

/// <summary>Validates namespaces, and the settings that need one.</summary>
internal static class NamespaceRules
{
    public static void Check(Spec spec, LinuxSpec linux)
    {
        var kinds = Kinds(linux.Namespaces);
        Name("hostname", spec.Hostname, kinds);
        Name("domainname", spec.Domainname, kinds);
        foreach (var (name, value) in linux.Sysctl) Sysctl(name, value, spec, kinds);
        if (!kinds.Contains(NamespaceKind.User))
        {
            if (linux.UidMappings.Count > 0) throw new InvalidSpecException("linux.uidMappings", "needs a user namespace");
            if (linux.GidMappings.Count > 0) throw new InvalidSpecException("linux.gidMappings", "needs a user namespace");
        }
        User(linux);
        NetDevices(linux, kinds);
        Time(linux, kinds);
        Joined(spec, linux);
        if (kinds.Contains(NamespaceKind.Mount)) return;
        // In the runtime's own mount namespace these would change the host.
        if (linux.MaskedPaths.Count > 0) throw new InvalidSpecException("linux.maskedPaths", "needs a mount namespace");
        if (linux.ReadonlyPaths.Count > 0) throw new InvalidSpecException("linux.readonlyPaths", "needs a mount namespace");
        if (linux.Devices.Count > 0)
            throw new InvalidSpecException("linux.devices", "needs a mount namespace: the nodes would be created on the host");
        if (spec.Root is { Readonly: true })
            throw new InvalidSpecException("root.readonly", "needs a mount namespace: only a mount can be read-only");
        if (linux.RootfsPropagation is { Length: > 0 })
            throw new InvalidSpecException("linux.rootfsPropagation", "needs a mount namespace");
    }

    /// <summary>Refuses what would affect the other processes in a joined mount namespace.</summary>
    private static void Joined(Spec spec, LinuxSpec linux)
    {
        if (spec.Root?.Path.Trim('/') is not ""
            || linux.Namespaces.All(n => n.Type is not NamespaceKind.Mount || string.IsNullOrEmpty(n.Path))) return;
        if (spec.Root.Readonly)
            throw new InvalidSpecException(
            "root.readonly", "the root is that of a mount namespace that is joined: it would become read-only for all in it");
        if (linux.RootfsPropagation is { Length: > 0 })
            throw new InvalidSpecException(
            "linux.rootfsPropagation", "the root is that of a mount namespace that is joined: it would change for all in it");
    }

    private static void User(LinuxSpec linux)
    {
        if (linux.Namespaces.FirstOrDefault(n => n.Type is NamespaceKind.User) is not { } user) return;
        if (string.IsNullOrEmpty(user.Path))
        {
            if (linux.UidMappings.Count == 0)
                throw new InvalidSpecException("linux.uidMappings", "is empty: the new user namespace needs a mapping");
            if (linux.GidMappings.Count == 0)
                throw new InvalidSpecException("linux.gidMappings", "is empty: the new user namespace needs a mapping");
        }
    }

    private static void NetDevices(LinuxSpec linux, HashSet<string> kinds)
    {
        if (linux.NetDevices.Count == 0) return;
        if (!kinds.Contains(NamespaceKind.Network))
            throw new InvalidSpecException("linux.netDevices", "needs a network namespace");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, device) in linux.NetDevices)
        {
            var field = InvalidSpecException.Key("linux.netDevices", name);
            DeviceName(field, name);
            if (device.Name is { Length: > 0 } other) DeviceName(field + ".name", other);
            if (!names.Add(device.Name is { Length: > 0 } said ? said : name))
                throw new InvalidSpecException(field, "two devices would have the same name");
        }
    }

    /// <summary>As the kernel's dev_valid_name; a % would be a pattern.</summary>
    private static void DeviceName(string field, string name)
    {
        const int longest = 15; // IFNAMSIZ, less the NUL
        if (name.Length is 0 or > longest || name is "." or ".." || name.Any(c => c is '/' or ':' or '%' or <= ' ' or > '~'))
            throw new InvalidSpecException(
                field, $"\"{name}\" is not a network device name: 1 to {longest} characters, without / : % and spaces");
    }

    private static void Time(LinuxSpec linux, HashSet<string> kinds)
    {
        if (linux.TimeOffsets.Count == 0) return;
        if (!kinds.Contains(NamespaceKind.Time)) throw new InvalidSpecException("linux.timeOffsets", "needs a time namespace");
        if (linux.Namespaces.Any(n => n.Type is NamespaceKind.Time && !string.IsNullOrEmpty(n.Path)))
            throw new InvalidSpecException("linux.timeOffsets", "a joined time namespace has its clocks set already");
        foreach (var (clock, offset) in linux.TimeOffsets)
        {
            var field = InvalidSpecException.Key("linux.timeOffsets", clock);
            if (clock is not ("monotonic" or "boottime"))
                throw new InvalidSpecException(field, "is neither monotonic nor boottime");
            if (offset.Nanosecs > 999_999_999)
                throw new InvalidSpecException(field + ".nanosecs", $"{offset.Nanosecs} is over 999999999");
        }
    }

    private static HashSet<string> Kinds(IReadOnlyList<NamespaceSpec> namespaces)
    {
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < namespaces.Count; i++)
        {
            var (type, path) = (namespaces[i].Type, namespaces[i].Path);
            if (!NamespaceKind.All.Contains(type))
                throw new InvalidSpecException(
                    $"linux.namespaces[{i}].type", $"\"{type}\" is not one of {string.Join(", ", NamespaceKind.All)}");
            if (!kinds.Add(type)) throw new InvalidSpecException($"linux.namespaces[{i}].type", $"\"{type}\" is given twice");
            if (!string.IsNullOrEmpty(path)) Text.AbsolutePath($"linux.namespaces[{i}].path", path);
        }
        return kinds;
    }

    private static void Name(string field, string? name, HashSet<string> kinds)
    {
        if (string.IsNullOrEmpty(name)) return;
        Text.NoNul(field, name);
        // __NEW_UTS_LEN
        if (name.Length > 64) throw new InvalidSpecException(field, $"has {name.Length} characters; the kernel's limit is 64");
        if (!kinds.Contains(NamespaceKind.Uts))
            throw new InvalidSpecException(field, "needs a uts namespace: it would change the host's name");
    }

    private static void Sysctl(string name, string value, Spec spec, HashSet<string> kinds)
    {
        var field = InvalidSpecException.Key("linux.sysctl", name);
        if (SysctlRules.TryPath(name) is not { } path) throw new InvalidSpecException(field, "is not a kernel parameter");
        if (SysctlRules.NamespaceOf(path) is not { } kind)
            throw new InvalidSpecException(field, "is not namespaced: it would change the host");
        if (!kinds.Contains(kind)) throw new InvalidSpecException(field, $"needs a {kind} namespace: it would change the host");
        if (value.AsSpan().ContainsAny('\n', '\r', '\0'))
            throw new InvalidSpecException(field, "its value contains a line break or a NUL");
        if (value.Length > 4096) throw new InvalidSpecException(field, "its value has more than 4096 characters");
        if (path is "kernel/domainname" && spec.Domainname is { Length: > 0 } domain && domain != value)
            throw new InvalidSpecException(field, "contradicts domainname");
    }
}
