namespace Supervisor.Runtime.Oci;

/// <summary>Validates a seccomp profile.</summary>
internal static class SeccompRules
{
    private const uint LargestErrno = 4095;

    public static void Check(SeccompSpec profile, string prefix)
    {
        Action(profile.DefaultAction, prefix + "defaultAction");
        Errno(profile.DefaultErrnoRet, prefix + "defaultErrnoRet");
        // the calls that pass the notification descriptor on would wait for its receiver
        if (profile.DefaultAction is "SCMP_ACT_NOTIFY")
            throw new InvalidSpecException(
                prefix + "defaultAction", "cannot be SCMP_ACT_NOTIFY: the container could not start");
        for (var i = 0; i < profile.Architectures.Count; i++)
            if (!SeccompWords.Architectures.Contains(profile.Architectures[i]))
                throw new InvalidSpecException(
                    $"{prefix}architectures[{i}]", $"unknown architecture \"{profile.Architectures[i]}\"");
        for (var i = 0; i < (profile.Flags?.Count ?? 0); i++)
            if (!SeccompWords.Flags.ContainsKey(profile.Flags![i]))
                throw new InvalidSpecException($"{prefix}flags[{i}]", $"unknown flag \"{profile.Flags[i]}\"");
        var notifies = false;
        for (var i = 0; i < profile.Syscalls.Count; i++)
        {
            Syscall(profile.Syscalls[i], $"{prefix}syscalls[{i}].");
            notifies |= profile.Syscalls[i].Action is "SCMP_ACT_NOTIFY";
        }
        if (profile.ListenerPath is { Length: > 0 } path) Text.AbsolutePath(prefix + "listenerPath", path);
        else if (notifies) throw new InvalidSpecException(prefix + "listenerPath", "is missing: a rule has SCMP_ACT_NOTIFY");
        else if (!string.IsNullOrEmpty(profile.ListenerMetadata))
            throw new InvalidSpecException(prefix + "listenerMetadata", "needs a listenerPath");
    }

    private static void Syscall(SeccompSyscallSpec rule, string prefix)
    {
        if (rule.Names.Count == 0) throw new InvalidSpecException(prefix + "names", "is empty");
        for (var i = 0; i < rule.Names.Count; i++)
        {
            if (rule.Names[i].Length is 0 or > 64)
                throw new InvalidSpecException($"{prefix}names[{i}]", "is not a system call name");
            Text.NoNul($"{prefix}names[{i}]", rule.Names[i]);
            if (rule.Action is "SCMP_ACT_NOTIFY" && rule.Names[i] is ("write" or "sendmsg"))
                throw new InvalidSpecException(
                    $"{prefix}names[{i}]", $"\"{rule.Names[i]}\" cannot have SCMP_ACT_NOTIFY: it passes the descriptor on");
        }
        Action(rule.Action, prefix + "action");
        Errno(rule.ErrnoRet, prefix + "errnoRet");
        for (var i = 0; i < rule.Args.Count; i++)
        {
            if (rule.Args[i].Index > 5)
                throw new InvalidSpecException($"{prefix}args[{i}].index", $"{rule.Args[i].Index} is over 5");
            if (!SeccompWords.Comparisons.ContainsKey(rule.Args[i].Op))
                throw new InvalidSpecException($"{prefix}args[{i}].op", $"unknown comparison \"{rule.Args[i].Op}\"");
        }
    }

    private static void Action(string action, string field)
    {
        if (!SeccompWords.Actions.ContainsKey(action))
            throw new InvalidSpecException(field, action.Length == 0 ? "is missing" : $"unknown action \"{action}\"");
    }

    private static void Errno(uint? errno, string field)
    {
        if (errno > LargestErrno) throw new InvalidSpecException(field, $"{errno} is over {LargestErrno}");
    }
}
