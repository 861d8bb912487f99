using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Actors.Effects;

/// <summary>What the reports of tasks and of execs have in common.</summary>
internal static class ProcessReports
{
    /// <summary>For a signal to a process that has exited.</summary>
    public static Refusal Finished { get; } = new(RefusalCode.NotFound, "process already finished");

    public static InitProcess Named(IContainerProcess process) => new(process.Pid, process.StartTime, ProcStat.BootId);

    public static ProcessIdentity IdentityOf(InitProcess process) => new(process.Pid, process.StartTime, process.BootId);

    /// <summary>The exit of a process that is gone after our restart.</summary>
    public static TaskExit Gone(InitProcess process, DateTimeOffset at) => new(
        255, at, process.BootId == ProcStat.BootId ? "it exited while no daemon was watching" : "the machine was restarted");

    /// <summary>Why an effect failed.</summary>
    public static Refusal Reason(Exception e) => e switch
    {
        InvalidSpecException or InvalidStdioException => new Refusal(RefusalCode.InvalidArgument, e.Message),
        DescriptorsExhaustedException => new Refusal(RefusalCode.ResourceExhausted, e.Message),
        OperationCanceledException or TimeoutException => new Refusal(RefusalCode.DeadlineExceeded, e.Message),
        LaunchException or CgroupException or SyscallException or IOException or InvalidOperationException =>
            new Refusal(RefusalCode.Unknown, e.Message),
        _ => new Refusal(RefusalCode.Unknown, $"{e.GetType().Name}: {e.Message}"),
    };
}
