namespace Supervisor.Client;

/// <summary>What a task uses. One of the two messages is set, according to the host's version of cgroups.</summary>
/// <param name="At">When it was measured.</param>
/// <param name="V1">cgroup v1: times in nanoseconds, memory in bytes.</param>
/// <param name="V2">cgroup v2: times in microseconds, memory in bytes.</param>
public sealed record TaskStats(
    DateTimeOffset At, Io.Containerd.Cgroups.V1.Metrics? V1, Io.Containerd.Cgroups.V2.Metrics? V2)
{
    /// <summary>Memory in use, in bytes, with the page cache.</summary>
    public ulong MemoryBytes => V2?.Memory?.Usage ?? V1?.Memory?.Usage?.Usage ?? 0;

    /// <summary>CPU time of all processes.</summary>
    public TimeSpan CpuTime => V2 is not null
        ? TimeSpan.FromMicroseconds(V2.Cpu?.UsageUsec ?? 0)
        : TimeSpan.FromMicroseconds((V1?.Cpu?.Usage?.Total ?? 0) / 1000.0);

    /// <summary>Number of processes and threads.</summary>
    public ulong Pids => V2?.Pids?.Current ?? V1?.Pids?.Current ?? 0;
}
