namespace Supervisor.Runtime.Oci;

/// <summary>Validates scheduling, and the numbers of its names. sched(7), ioprio_set(2).</summary>
internal static class SchedulerRules
{
    public static IReadOnlyDictionary<string, uint> Policies { get; } = new Dictionary<string, uint>(StringComparer.Ordinal)
    {
        ["SCHED_OTHER"] = 0, ["SCHED_FIFO"] = 1, ["SCHED_RR"] = 2, ["SCHED_BATCH"] = 3, ["SCHED_ISO"] = 4, ["SCHED_IDLE"] = 5,
        ["SCHED_DEADLINE"] = 6,
    };

    public static IReadOnlyDictionary<string, ulong> Flags { get; } = new Dictionary<string, ulong>(StringComparer.Ordinal)
    {
        ["SCHED_FLAG_RESET_ON_FORK"] = 1, ["SCHED_FLAG_RECLAIM"] = 2, ["SCHED_FLAG_DL_OVERRUN"] = 4,
        ["SCHED_FLAG_KEEP_POLICY"] = 8,
        ["SCHED_FLAG_KEEP_PARAMS"] = 16, ["SCHED_FLAG_UTIL_CLAMP_MIN"] = 32, ["SCHED_FLAG_UTIL_CLAMP_MAX"] = 64,
    };

    public static IReadOnlyDictionary<string, int> IOClasses { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["IOPRIO_CLASS_RT"] = 1, ["IOPRIO_CLASS_BE"] = 2, ["IOPRIO_CLASS_IDLE"] = 3,
    };

    public static void Check(SchedulerSpec scheduler, string prefix)
    {
        if (!Policies.TryGetValue(scheduler.Policy, out _))
            throw new InvalidSpecException(prefix + "policy", $"unknown policy \"{scheduler.Policy}\"");
        if (scheduler.Nice is < -20 or > 19)
            throw new InvalidSpecException(prefix + "nice", $"{scheduler.Nice} is not within -20 to 19");
        if (scheduler.Priority is not (null or 0) && scheduler.Policy is not ("SCHED_FIFO" or "SCHED_RR"))
            throw new InvalidSpecException(prefix + "priority", "is for SCHED_FIFO and SCHED_RR only");
        if (scheduler.Priority is < 0 or > 99)
            throw new InvalidSpecException(prefix + "priority", $"{scheduler.Priority} is not within 0 to 99");
        for (var i = 0; i < scheduler.Flags.Count; i++)
            if (!Flags.ContainsKey(scheduler.Flags[i]))
                throw new InvalidSpecException($"{prefix}flags[{i}]", $"unknown flag \"{scheduler.Flags[i]}\"");
        if (scheduler.Policy is "SCHED_DEADLINE") return;
        if (scheduler.Runtime is not (null or 0))
            throw new InvalidSpecException(prefix + "runtime", "is for SCHED_DEADLINE only");
        if (scheduler.Deadline is not (null or 0))
            throw new InvalidSpecException(prefix + "deadline", "is for SCHED_DEADLINE only");
        if (scheduler.Period is not (null or 0)) throw new InvalidSpecException(prefix + "period", "is for SCHED_DEADLINE only");
    }

    public static void Check(IOPrioritySpec priority, string prefix)
    {
        if (!IOClasses.ContainsKey(priority.Class))
            throw new InvalidSpecException(prefix + "class", $"unknown class \"{priority.Class}\"");
        if (priority.Priority is < 0 or > 7)
            throw new InvalidSpecException(prefix + "priority", $"{priority.Priority} is not within 0 to 7");
    }
}
