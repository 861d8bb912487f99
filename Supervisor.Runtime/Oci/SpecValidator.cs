using Supervisor.Kernel.Cgroups;

namespace Supervisor.Runtime.Oci;

/// <summary>Validates a spec, as far as that is possible without the kernel.</summary>
public static class SpecValidator
{
    /// <summary>Returns if the spec is valid.</summary>
    /// <exception cref="InvalidSpecException">The first invalid entry.</exception>
    public static void Validate(Spec spec)
    {
        Version(spec.OciVersion);
        if (spec.Process is null) throw new InvalidSpecException("process", "is missing");
        ProcessRules.Check(spec.Process, "process.");
        if (spec.Root is null) throw new InvalidSpecException("root", "is missing");
        if (spec.Root.Path.Length == 0) throw new InvalidSpecException("root.path", "is missing");
        Text.NoNul("root.path", spec.Root.Path);
        var linux = spec.Linux ?? new LinuxSpec();
        NamespaceRules.Check(spec, linux);
        MountRules.Check(spec.Mounts);
        Paths("linux.maskedPaths", linux.MaskedPaths);
        Paths("linux.readonlyPaths", linux.ReadonlyPaths);
        if (linux.RootfsPropagation is { Length: > 0 } p && !MountWords.Propagations.ContainsKey(p))
            throw new InvalidSpecException(
                "linux.rootfsPropagation", $"\"{p}\" is not one of {string.Join(", ", MountWords.Propagations.Keys)}");
        if (linux.CgroupsPath is { Length: > 0 } path && CgroupPath.FindError(path) is { } error)
            throw new InvalidSpecException("linux.cgroupsPath", error);
        DeviceRules.Check(linux.Devices);
        if (linux.Resources is { } resources) ResourceRules.Check(resources, "linux.resources.");
        if (linux.Seccomp is { } seccomp) SeccompRules.Check(seccomp, "linux.seccomp.");
        if (linux.Personality is { } personality) Personality(personality);
        if (linux.MemoryPolicy is { } policy) MemoryPolicyRules.Check(policy, "linux.memoryPolicy.");
        if (linux.IntelRdt is { } rdt) IntelRdtRules.Check(rdt);
        HookRules.Check(spec.Hooks);
    }

    /// <summary>As <see cref="Validate(Spec)"/>, for the process of an exec; places are below the process itself.</summary>
    /// <exception cref="InvalidSpecException">The first invalid entry.</exception>
    public static void Validate(ProcessSpec process)
    {
        if (process.Init) throw new InvalidSpecException(
            "init", "is for the container's own process: an exec cannot have an init");
        ProcessRules.Check(process, "");
    }

    /// <summary>As <see cref="Validate(Spec)"/>, for new limits; places are below the resources themselves.</summary>
    /// <exception cref="InvalidSpecException">The first invalid entry.</exception>
    public static void Validate(ResourcesSpec resources) => ResourceRules.Check(resources, "");

    /// <summary>
    /// Entries of the spec that this version does not support. Empty for most specs; the caller decides what to do.
    /// </summary>
    public static IReadOnlyList<UnsupportedField> Unsupported(Spec spec) => UnsupportedRules.Of(spec);

    /// <summary>Entries that are ignored with a warning, as the specification demands or other runtimes do.</summary>
    public static IReadOnlyList<UnsupportedField> Ignored(Spec spec)
    {
        List<UnsupportedField> found = [.. IgnoredCapabilities(spec)];
        if (spec.Mounts.Count > 0 && spec.Linux?.Namespaces.Any(n => n.Type is NamespaceKind.Mount) is not true)
            found.Add(new UnsupportedField("mounts", "not mounted: the container has no mount namespace"));
        for (var i = 0; i < spec.Mounts.Count; i++)
        {
            var options = MountOptions.Parse(spec.Mounts[i].Options);
            // These are existing mounts: their file systems are not ours to configure.
            var what = options.Bind ? "a bind mount" : spec.Mounts[i].Type switch
            {
                "bind" => "a bind mount", "cgroup" or "cgroup2" =>
                    "a mount of cgroups", null or "" or "none" => "a remount", _ => null,
            };
            if (what is null) continue;
            foreach (var word in options.DataOptions.Concat(options.FilesystemFlags))
                found.Add(new UnsupportedField($"mounts[{i}].options", $"\"{word}\" has no effect on {what}"));
        }
        if (spec.Linux?.Resources?.Memory?.Kernel is > 0)
            found.Add(new UnsupportedField(
            "linux.resources.memory.kernel", "the kernel no longer limits its own memory (Linux 5.16)"));
        return found;
    }

    /// <summary>Capabilities that are unknown or that cannot be ambient.</summary>
    public static IReadOnlyList<UnsupportedField> IgnoredCapabilities(Spec spec)
    {
        var found = new List<UnsupportedField>();
        if (spec.Process?.Capabilities is not { } sets) return found;
        foreach (var (set, names) in ((string, IReadOnlyList<string>)[])
            [("bounding", sets.Bounding), ("effective", sets.Effective), ("inheritable", sets.Inheritable),
                ("permitted", sets.Permitted), ("ambient", sets.Ambient)])
        {
            for (var i = 0; i < names.Count; i++)
                if (Capability.TryNumber(names[i]) is null)
                    found.Add(new UnsupportedField(
                    $"process.capabilities.{set}[{i}]", $"unknown capability \"{names[i]}\""));
        }
        for (var i = 0; i < sets.Ambient.Count; i++)
            if (Capability.TryNumber(sets.Ambient[i]) is not null && !Capability.CanBeAmbient(sets, sets.Ambient[i]))
                found.Add(new UnsupportedField(
                    $"process.capabilities.ambient[{i}]", $"{sets.Ambient[i]} is not both permitted and inheritable"));
        return found;
    }

    private static void Version(string version)
    {
        var parts = version.Split('-', '+')[0].Split('.');
        if (parts.Length != 3 || !parts.All(p => p.Length is > 0 and < 10 && p.All(char.IsAsciiDigit)))
            throw new InvalidSpecException(
                "ociVersion", version.Length == 0 ? "is missing" : $"\"{version}\" is not a version like 1.2.0");
        if (parts[0] != "1")
            throw new InvalidSpecException("ociVersion", $"\"{version}\" is not supported: only 1.x versions are");
    }

    private static void Personality(PersonalitySpec personality)
    {
        if (personality.Domain is not ("LINUX" or "LINUX32"))
            throw new InvalidSpecException("linux.personality.domain", $"\"{personality.Domain}\" is neither LINUX nor LINUX32");
        if (personality.Flags.Count > 0) throw new InvalidSpecException("linux.personality.flags[0]", "no flags are defined");
    }

    private static void Paths(string field, IReadOnlyList<string> paths)
    {
        for (var i = 0; i < paths.Count; i++) Text.AbsolutePath($"{field}[{i}]", paths[i]);
    }
}
