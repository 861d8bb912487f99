using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Runtime.ShimClient;

/// <summary>What clients of containers' Shim services did, for those who watch the containers.</summary>
public sealed partial class ShimRuntime
{
    private void OnService(ShimKind kind, string key)
    {
        switch (kind)
        {
            case ShimKind.Started when _known.GetValueOrDefault(key) is { } started:
                started.Marks |= ServiceMarks.Started;
                started.Released();
                started.Report(new ServiceReport.Started());
                break;
            case ShimKind.Frozen or ShimKind.Thawed when _known.GetValueOrDefault(key) is { } frozen:
                frozen.Report(kind is ShimKind.Frozen ? new ServiceReport.Frozen() : new ServiceReport.Thawed());
                break;
            case ShimKind.Deleted
                when _known.GetValueOrDefault(ShimDirectories.ContainerOf(key)) is { } owner && owner.Key != key:
                owner.Report(new ServiceReport.ExecDeleted(key));
                break;
        }
    }

    /// <summary>Execs of the Shim service: those of which the daemon knows nothing yet, and which are left.</summary>
    private void ReportExecs(IEnumerable<ShimProcess> listed)
    {
        var execs = listed.Where(p => p.Marks.HasFlag(ServiceMarks.Exec)).ToLookup(p => p.ContainerKey, StringComparer.Ordinal);
        foreach (var container in _known.Values.Where(p => !p.IsExec))
        {
            var own = execs[container.Key];
            container.Report(new ServiceReport.ExecsListed(own.Select(p => p.Key).ToHashSet(StringComparer.Ordinal)));
            foreach (var exec in own) ReportExec(exec);
        }
    }

    private void ReportExec(ShimProcess exec)
    {
        if (!exec.Marks.HasFlag(ServiceMarks.Exec) || exec.ContainerKey is not { } owner
            || _known.GetValueOrDefault(owner) is not { } container) return;
        var identity = new ProcessIdentity(exec.Pid, exec.StartTime, ProcStat.BootId);
        container.Report(new ServiceReport.ExecStarted(exec.Key, identity, exec.Spec, exec.Terminal));
    }
}
