using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Containers;

/// <summary>Steps that write into /proc: sysctls, the OOM score, the clocks of a time namespace. See <see cref="PrivateProc"/> (CVE-2025-52881).</summary>
internal sealed class ProcWrites(LaunchProgram program, DetachedMounts mounts, Spec spec)
{
    public void Add()
    {
        var proc = new PrivateProc(program, mounts);
        foreach (var (name, value) in spec.Linux?.Sysctl ?? new Dictionary<string, string>())
            proc.Write("sys/" + SysctlRules.TryPath(name), value, $"sysctl {name}");
        if (spec.Process!.OomScoreAdj is { } score) proc.Write("self/oom_score_adj", $"{score}", "oom_score_adj");
        if (spec.Linux?.TimeOffsets is { Count: > 0 } offsets)
            proc.Write("self/timens_offsets", string.Concat(offsets.Select(o => $"{o.Key} {o.Value.Secs} {o.Value.Nanosecs}\n")), "linux.timeOffsets");
    }
}
