using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// Scheduling steps: scheduler, I/O priority, processors. Before capabilities are dropped: raising needs CAP_SYS_NICE.
/// </summary>
internal static class SchedulingSteps
{
    private const int IOPRIO_WHO_PROCESS = 1, IOPRIO_CLASS_SHIFT = 13;

    public static void Add(LaunchProgram program, ProcessSpec process)
    {
        if (process.IoPriority is { } priority)
            program.Add(Syscall.ioprio_set, $"{priority.Class} {priority.Priority}", IOPRIO_WHO_PROCESS, 0,
                SchedulerRules.IOClasses[priority.Class] << IOPRIO_CLASS_SHIFT | priority.Priority);
        if (process.Scheduler is not { } scheduler) return;
        var attributes = new SchedulingAttributes
        {
            size = 48,
            policy = SchedulerRules.Policies[scheduler.Policy],
            flags = scheduler.Flags.Aggregate(0UL, (all, f) => all | SchedulerRules.Flags[f]),
            nice = scheduler.Nice ?? 0,
            priority = (uint)(scheduler.Priority ?? 0),
            runtime = scheduler.Runtime ?? 0,
            deadline = scheduler.Deadline ?? 0,
            period = scheduler.Period ?? 0,
        };
        program.Add(Syscall.sched_setattr, scheduler.Policy, 0, program.Value(attributes), 0);
    }

    /// <summary>
    /// As <see cref="Affinity"/>, for a process that is in its cgroup: without a list, all processors of the cgroup, whatever our
    /// caller was bound to.
    /// </summary>
    public static void FinalAffinity(LaunchProgram program, string? list)
    {
        if (!string.IsNullOrEmpty(list)) Affinity(program, list);
        else program.Add(Syscall.sched_setaffinity, "all processors of the cgroup", 0, AllProcessors.Length,
            program.Values<byte>(AllProcessors)).IgnoringErrors();
    }

    private static readonly byte[] AllProcessors = [.. Enumerable.Repeat((byte)0xff, 1024)];

    /// <summary>The processors that it may run on, as a list like <c>0-2,7</c>; no step for an empty one.</summary>
    public static void Affinity(LaunchProgram program, string? list)
    {
        if (string.IsNullOrEmpty(list)) return;
        var mask = NumberLists.Mask(list, 128);
        program.Add(Syscall.sched_setaffinity, list, 0, mask.Length, program.Values<byte>(mask))
            .Called($"process.execCPUAffinity \"{list}\"");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SchedulingAttributes // struct sched_attr, SCHED_ATTR_SIZE_VER0, 48 bytes
    {
        public uint size, policy;
        public ulong flags;
        public int nice;
        public uint priority;
        public ulong runtime, deadline, period;
    }
}
