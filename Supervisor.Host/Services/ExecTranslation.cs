using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Process = Containerd.V1.Types.Process;
using ProcessStatus = Containerd.V1.Types.Status;

namespace Supervisor.Host.Services;

/// <summary>Maps execs to wire messages and back.</summary>
internal static class ExecTranslation
{
    /// <summary>An exec as clients see it.</summary>
    public static Process ToProcess(this ExecState.Present exec, ExecId id) => new()
    {
        ContainerId = id.Container.Value,
        Id = id.Value,
        Pid = PidOf(exec),
        Status = exec switch
        {
            ExecState.Running => ProcessStatus.Running,
            ExecState.Stopped => ProcessStatus.Stopped,
            _ => ProcessStatus.Created,
        },
        Stdin = exec.Setup.Stdio.Stdin,
        Stdout = exec.Setup.Stdio.Stdout,
        Stderr = exec.Setup.Stdio.Stderr,
        Terminal = exec.Setup.Stdio.Terminal,
        ExitStatus = (uint)((exec as ExecState.Stopped)?.Exit.Status ?? 0),
        ExitedAt = (exec as ExecState.Stopped)?.Exit.At.ToTimestamp() ?? GrpcTranslation.Never,
    };

    /// <summary>The process's pid; 0 before there is one.</summary>
    public static uint PidOf(ExecState exec) => exec is ExecState.WithProcess { Process.Pid: var pid } ? (uint)pid : 0;
}
