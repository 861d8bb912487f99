namespace Supervisor.Runtime.Oci;

/// <summary>Validates a process's spec.</summary>
internal static class ProcessRules
{
    public static void Check(ProcessSpec process, string prefix)
    {
        if (process.Args.Count == 0) throw new InvalidSpecException(prefix + "args", "is empty: nothing to run");
        if (process.Args[0].Length == 0) throw new InvalidSpecException(prefix + "args[0]", "is empty: nothing to run");
        for (var i = 0; i < process.Args.Count; i++) Text.NoNul($"{prefix}args[{i}]", process.Args[i]);
        for (var i = 0; i < process.Env.Count; i++) Env($"{prefix}env[{i}]", process.Env[i]);
        Text.AbsolutePath(prefix + "cwd", process.Cwd);
        // A descriptor's directory would lead out of the container (CVE-2024-21626).
        if (process.Cwd.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".")
            .ToArray() is ["proc", _, "fd" or "cwd" or "root" or "map_files" or "task", ..] or ["dev", "fd", ..])
            throw new InvalidSpecException(prefix + "cwd", $"\"{process.Cwd}\" resolves through a descriptor of a process");
        if (process.Scheduler is { } scheduler) SchedulerRules.Check(scheduler, prefix + "scheduler.");
        if (process.IoPriority is { } priority) SchedulerRules.Check(priority, prefix + "ioPriority.");
        if (process.ExecCPUAffinity is { } affinity)
        {
            Text.NumberList(prefix + "execCPUAffinity.initial", affinity.Initial);
            Text.NumberList(prefix + "execCPUAffinity.final", affinity.Final);
        }
        if (process.ApparmorProfile is { } profile) Text.NoNul(prefix + "apparmorProfile", profile);
        if (process.SelinuxLabel is { } label) Text.NoNul(prefix + "selinuxLabel", label);
        User(process.User, prefix + "user.");
        if (process.Capabilities is { } capabilities) Capabilities(capabilities, prefix + "capabilities.");
        Rlimits(process.Rlimits, prefix + "rlimits");
        if (process.OomScoreAdj is < -1000 or > 1000)
            throw new InvalidSpecException(prefix + "oomScoreAdj", $"{process.OomScoreAdj} is not within -1000 to 1000");
        if (process.ConsoleSize is { } size) // struct winsize has 16 bits each
        {
            if (size.Height > ushort.MaxValue) throw new InvalidSpecException(prefix + "consoleSize.height", "is over 65535");
            if (size.Width > ushort.MaxValue) throw new InvalidSpecException(prefix + "consoleSize.width", "is over 65535");
        }
    }

    // Without '=' the entry would be passed unchanged, and other programs could misread it (CVE-2026-57231).
    private static void Env(string field, string entry)
    {
        Text.NoNul(field, entry);
        if (entry.IndexOf('=') <= 0) throw new InvalidSpecException(field, $"\"{entry}\" is not of the form NAME=value");
    }

    private static void User(UserSpec user, string prefix)
    {
        // Ignoring it would run the process as root instead of that user. The specification has it for Windows; beside a uid it
        // is redundant.
        if (user is { Uid: 0, Username: not (null or "" or "root") })
            throw new InvalidSpecException(
                prefix + "username", $"\"{user.Username}\" is not looked up: use user.uid and user.gid");
        if (user.Umask > 0x1ff) throw new InvalidSpecException(prefix + "umask", $"{user.Umask} is over 0777 octal");
        if (user.AdditionalGids.Count > 65536) // NGROUPS_MAX
            throw new InvalidSpecException(prefix + "additionalGids", "has more than 65536 entries");
    }

    private static void Capabilities(CapabilitiesSpec sets, string prefix)
    {
        // capset(2) would refuse it, late and without its name. An ambient one that cannot be set is left out
        // (SpecValidator.Ignored): `runc spec` of 1.1 writes such.
        Within(sets.Effective, sets.Permitted, prefix + "effective", "permitted");
    }

    private static void Within(IReadOnlyList<string> names, IReadOnlyList<string> others, string field, string set)
    {
        for (var i = 0; i < names.Count; i++)
            if (!others.Contains(names[i]) && Capability.TryNumber(names[i]) is not null)
                throw new InvalidSpecException($"{field}[{i}]", $"{names[i]} is not in the {set} set");
    }

    private static void Rlimits(IReadOnlyList<RlimitSpec> limits, string field)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < limits.Count; i++)
        {
            var limit = limits[i];
            if (Rlimit.TryNumber(limit.Type) is null)
                throw new InvalidSpecException($"{field}[{i}].type", $"unknown limit \"{limit.Type}\"");
            if (!seen.Add(limit.Type)) throw new InvalidSpecException($"{field}[{i}].type", $"{limit.Type} is given twice");
            if (limit.Soft > limit.Hard)
                throw new InvalidSpecException($"{field}[{i}].soft", $"{limit.Soft} is over the hard limit {limit.Hard}");
        }
    }
}
