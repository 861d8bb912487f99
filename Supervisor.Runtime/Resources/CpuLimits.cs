using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Resources;

/// <summary>CPU time, by the files of v1 and v2.</summary>
internal static class CpuLimits
{
    /// <summary>Converts v1's 2…262144 linearly to v2's 1…10000, as container runtimes do.</summary>
    public static ulong WeightOf(ulong shares) => 1 + (Math.Clamp(shares, 2, 262144) - 2) * 9999 / 262142;

    public static void SetV1(string directory, CpuSpec cpu)
    {
        if (cpu.Idle is long idle) CgroupFile.Write(directory, "cpu.idle", $"{idle}");
        if (cpu.Idle is not 1 && cpu.Shares is not (null or 0)) CgroupFile.Write(directory, "cpu.shares", $"{cpu.Shares}");
        // runtime <= period must hold after each write: a period below the old runtime is written after the new runtime.
        var periodFirst = cpu.RealtimePeriod is null or 0
            || CgroupFile.TryWrite(directory, "cpu.rt_period_us", $"{cpu.RealtimePeriod}") is Errno.None;
        if (cpu.RealtimeRuntime is not (null or 0)) CgroupFile.Write(directory, "cpu.rt_runtime_us", $"{cpu.RealtimeRuntime}");
        if (!periodFirst) CgroupFile.Write(directory, "cpu.rt_period_us", $"{cpu.RealtimePeriod}");

        // burst <= quota, and quota/period at most the parent's, must hold after each write: a refused value is written again
        // after the others.
        var late = new List<(string File, string Value)>();
        if (cpu.Burst is ulong burst) Write("cpu.cfs_burst_us", $"{burst}");
        if (cpu.Period is not (null or 0)) Write("cpu.cfs_period_us", $"{cpu.Period}");
        if (cpu.Quota is not (null or 0)) CgroupFile.Write(directory, "cpu.cfs_quota_us", $"{Math.Max(-1, cpu.Quota.Value)}");
        for (var i = late.Count - 1; i >= 0; i--) CgroupFile.Write(directory, late[i].File, late[i].Value);

        void Write(string file, string value)
        {
            if (cpu.Quota is not (null or 0)
                && CgroupFile.TryWrite(directory, file, value) is var errno and (Errno.None or Errno.EINVAL))
            {
                if (errno is Errno.EINVAL) late.Add((file, value));
            }
            else CgroupFile.Write(directory, file, value);
        }
    }

    public static void SetV2(string directory, CpuSpec cpu, Action<string, string> notApplied)
    {
        if (cpu.Idle is long idle) CgroupFile.Write(directory, "cpu.idle", $"{idle}");
        if (cpu.Idle is not 1 && cpu.Shares is not (null or 0))
            CgroupFile.Write(directory, "cpu.weight", $"{WeightOf(cpu.Shares.Value)}");
        var burstFirst = cpu.Burst is ulong burst && CgroupFile.TryWrite(directory, "cpu.max.burst", $"{burst}") is Errno.None;
        if (cpu.Quota is not (null or 0) || cpu.Period is not (null or 0))
        {
            // "quota period"; a period alone keeps the quota.
            var quota = cpu.Quota switch
            {
                null or 0 => CgroupFile.TryRead(directory + "/cpu.max")?.Split(' ')[0] ?? "max",
                < 0 => "max",
                var microseconds => $"{microseconds}",
            };
            CgroupFile.Write(directory, "cpu.max", cpu.Period is null or 0 ? quota : $"{quota} {cpu.Period}");
        }
        if (cpu.Burst is not null && !burstFirst) CgroupFile.Write(directory, "cpu.max.burst", $"{cpu.Burst}");
        if (cpu.RealtimePeriod is not (null or 0) || cpu.RealtimeRuntime is not (null or 0))
            notApplied("linux.resources.cpu.realtimeRuntime", "cgroup v2 has no real-time limits");
    }
}
