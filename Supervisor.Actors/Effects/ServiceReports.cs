using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Actors.Effects;

/// <summary>What clients of a container's Shim service did, as messages to its task.</summary>
internal static class ServiceReports
{
    public static object Translate(ContainerId id, ServiceReport report, DateTimeOffset at) => report switch
    {
        ServiceReport.Started => new TaskCommand.InitStarted(id, at),
        ServiceReport.Frozen => new TaskCommand.Frozen(id, at),
        ServiceReport.Thawed => new TaskCommand.Thawed(id, at),
        ServiceReport.ExecStarted e => new ExecCommand.Adopt(
            Exec(id, e.Key), at, new ExecSetup(new StdioPaths("", "", "", e.Terminal), e.Spec),
            new InitProcess(e.Process.Pid, e.Process.StartTime, e.Process.BootId)),
        ServiceReport.ExecDeleted e => new ExecCommand.Forget(Exec(id, e.Key), at),
        ServiceReport.ExecsListed e => new ServiceExecsListed(
            id, at, e.Keys.Select(k => Exec(id, k).Value).ToHashSet(StringComparer.Ordinal)),
        _ => throw new ArgumentException($"no such report: {report}"),
    };

    private static ExecId Exec(ContainerId id, string key) => ExecId.Parse(id, key[(key.LastIndexOf('/') + 1)..]);
}
