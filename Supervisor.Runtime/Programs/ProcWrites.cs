using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Rootfs;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// Steps that write into /proc: sysctls, the OOM score, the clocks of a time namespace. See <see cref="PrivateProc"/>
/// (CVE-2025-52881).
/// </summary>
/// <param name="pauses">Where we write for a process that may not, though it is root of its user namespace: the /proc files of a
/// process that is not dumpable belong to the host's root.</param>
internal sealed class ProcWrites(LaunchProgram program, DetachedMounts mounts, Spec spec, LaunchPauses? pauses = null)
{
    public void Add()
    {
        var proc = new PrivateProc(program, mounts);
        foreach (var (name, value) in spec.Linux?.Sysctl ?? new Dictionary<string, string>())
            proc.Write("sys/" + SysctlRules.TryPath(name), value, $"sysctl {name}");
        if (spec.Process!.OomScoreAdj is { } score) proc.Write("self/oom_score_adj", $"{score}", "oom_score_adj");
        if (spec.Linux?.TimeOffsets is { Count: > 0 } offsets)
        {
            var text = string.Concat(offsets.Select(o => $"{o.Key} {o.Value.Secs} {o.Value.Nanosecs}\n"));
            if (pauses is null) proc.Write("self/timens_offsets", text, "linux.timeOffsets");
            else pauses.Add(program, "linux.timeOffsets", (pid, _) => Write($"/proc/{pid}/timens_offsets", text));
        }
    }

    private static void Write(string path, string text)
    {
        using var file = Fd.Open(path, OpenFlags.O_WRONLY);
        file.Write(Encoding.ASCII.GetBytes(text));
    }
}
