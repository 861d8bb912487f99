using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>A live process in a container beside its init.</summary>
public sealed class ExecProcess : ContainerProcess
{
    internal ExecProcess(ContainerHost host, HeldInit held, ProcessStdio stdio)
        : base(host, held.Process, new HeldStart(held), stdio)
    {
    }

    /// <summary>Adopts a process that another process of ours hands over.</summary>
    internal ExecProcess(ContainerHost host, ProcessHandover from) : base(host, from)
    {
    }

    private ExecProcess(ContainerHost host, Pidfd pidfd, ProcessIdentity process) : base(host, pidfd, process)
    {
    }

    /// <summary>Adopts a process that an earlier daemon started.</summary>
    /// <returns>Null when it is gone.</returns>
    public static ExecProcess? TryAdopt(ContainerHost host, ProcessIdentity process) =>
        process.TryOpen() is { } pidfd ? new ExecProcess(host, pidfd, process) : null;

    /// <summary>Leaves the others in the container frozen.</summary>
    private protected override void ThawAfterKill() => FrozenProcess.ThawAfterKill(Pid, Pidfd, Host.Hierarchies);
}
