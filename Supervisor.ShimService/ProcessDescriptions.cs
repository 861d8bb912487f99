using Containerd.V1.Services.Shim.Types;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;

namespace Supervisor.ShimService;

/// <summary>Processes as the Shim service describes them.</summary>
internal static class ProcessDescriptions
{
    /// <summary>The status of a process; in a paused container all that run are paused.</summary>
    public static Status StatusOf(ShimProcessView process, bool paused) => process switch
    {
        { Exit: not null } => Status.Stopped,
        { IsHeld: true } => Status.Created,
        _ => paused ? Status.Paused : Status.Running,
    };

    /// <summary>Read from the kernel: the daemon may have paused it.</summary>
    public static bool IsPaused(ShimProcessView init) =>
        init.Exit is null && Cgroup.Open(init.CgroupPaths) is { Exists: true, IsFrozen: true };

    public static Process Describe(ShimProcessView process, bool paused)
    {
        var described = new Process
        {
            Pid = (uint)process.Pid, Terminal = process.Terminal, Status = StatusOf(process, paused),
            ExitStatus = (uint)(process.Exit is { } exit ? exit.Status ?? 255 : 0),
        };
        if (SpecOf(process) is not { } spec) return described;
        described.Args.Add(spec.Args);
        described.Env.Add(spec.Env);
        described.Cwd = spec.Cwd;
        described.User = new User { Uid = spec.User.Uid, Gid = spec.User.Gid, AdditionalGids = { spec.User.AdditionalGids } };
        return described;
    }

    /// <summary>An init's is in its bundle; an exec's came with it. Null for a daemon's exec.</summary>
    private static ProcessSpec? SpecOf(ShimProcessView process)
    {
        try
        {
            if (!process.IsExec) return SpecReader.Read(File.ReadAllBytes(Path.Join(process.Bundle, "config.json"))).Process;
            return process.Spec.Length > 0 ? SpecReader.ReadProcess(process.Spec) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidSpecException)
        {
            return null; // it is being removed
        }
    }
}
