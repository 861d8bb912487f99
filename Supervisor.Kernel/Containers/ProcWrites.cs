using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Containers;

/// <summary>
/// Steps that write into /proc: sysctls and the OOM score. They go through a procfs of our own making that was never
/// attached anywhere, so nothing that an image or a volume puts over /proc can redirect them (CVE-2025-52881).
/// </summary>
internal sealed class ProcWrites(LaunchProgram program, DetachedMounts mounts, Spec spec)
{
    public void Add()
    {
        var sysctls = spec.Linux?.Sysctl ?? new Dictionary<string, string>();
        if (sysctls.Count == 0 && spec.Process!.OomScoreAdj is null) return;
        var proc = mounts.Filesystem("proc", "proc", [], MountAttributes.None, "the runtime's own writes");
        foreach (var (name, value) in sysctls) Write(proc, "sys/" + name.Replace('.', '/'), value, $"sysctl {name}");
        if (spec.Process!.OomScoreAdj is { } score) Write(proc, "self/oom_score_adj", $"{score}", "oom_score_adj");
    }

    private void Write(int proc, string path, string value, string what)
    {
        var how = new OpenHow
        {
            flags = (ulong)(OpenFlags.O_WRONLY | OpenFlags.O_CLOEXEC).ToKernel(),
            resolve = ResolveFlags.RESOLVE_BENEATH | ResolveFlags.RESOLVE_NO_XDEV | ResolveFlags.RESOLVE_NO_MAGICLINKS,
        };
        var bytes = Encoding.UTF8.GetByteCount(value);
        program.Add(Syscall.openat2, what, proc, program.Text(path), program.Value(how), 24).Called(what).IntoNext(0);
        program.Add(Syscall.write, what, 0, program.Text(value), bytes).AtLeast(bytes).Called($"{what} = {value}");
    }
}
