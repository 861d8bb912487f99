using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Serving;

/// <summary>The processes of the shim, each from its start until its exit is collected.</summary>
internal sealed partial class ShimServer
{
    private void Add(ShimProcessEntry entry)
    {
        Register(entry);
        Watch(entry);
    }

    private void Register(ShimProcessEntry entry)
    {
        Remove(entry.Key); // an exited process of the same key
        _processes[entry.Key] = entry;
        _byPid[(entry.Child.Pid, entry.Child.StartTime)] = entry;
        OpenFront(entry);
    }

    private void Watch(ShimProcessEntry entry)
    {
        entry.Child.Watch(
            end => _loop.Post(() => ReportExit(entry, end)),
            () => Tell(entry.Key, ShimFrame.Begin(ShimKind.OutOfMemory).Text(entry.Key).I64((long)entry.OomKills)));
        entry.Child.InputEnded?.ContinueWith(
            _ => _loop.Post(() => _connection?.Send(ShimFrame.Begin(ShimKind.InputEnded).Text(entry.Key).I32(entry.Child.Pid))),
                TaskScheduler.Default);
    }

    /// <summary>Called while the kernel still keeps the child: if we crash now, its new parent can still reap it.</summary>
    private void RecordExit(ProcessIdentity process, ExitStatus status, ProcessUsage usage)
    {
        if (!_byPid.TryGetValue((process.Pid, process.StartTime), out var entry)) return;
        entry.Exit = new ExitRecord(
            entry.Key, process.Pid, process.StartTime, status.Code, DateTimeOffset.UtcNow, entry.OomKills, usage);
        _ledger.Add(entry.Exit);
    }

    private void ReportExit(ShimProcessEntry entry, ProcessExit end)
    {
        // removed meanwhile
        if (entry.Reported || _byPid.GetValueOrDefault((entry.Child.Pid, entry.Child.StartTime)) != entry) return;
        entry.Reported = true;
        var seen = entry.Exit
            ?? new ExitRecord(entry.Key, entry.Child.Pid, entry.Child.StartTime, end.Status?.Code, end.At, 0, default);
        entry.Exit = seen with { OomKills = entry.OomKills };
        _ledger.Add(entry.Exit);
        Tell(entry.Key, ShimFrame.Begin(ShimKind.Exited).Put(entry.Exit));
        Unmount(entry);
    }

    /// <summary>Before what is requested for the container from now on: its removal finds nothing mounted.</summary>
    private void Unmount(ShimProcessEntry exited)
    {
        if (exited.TakeMounts() is not { } mounts) return;
        if (!_work.TryAdd(exited.Key, Quiet, Close, Report)) mounts.Dispose();

        Action Close(CancellationToken deadline)
        {
            mounts.Dispose();
            return static () => { };
        }
    }

    private void Collected(string key, int pid, ulong startTime)
    {
        _ledger.Collected(key, pid, startTime);
        // A container's init stays until its removal; an exec is removed once its output is read.
        if (_processes.GetValueOrDefault(key) is not { ContainerKey: not null, Reported: true } exec
            || (exec.Child.Pid, exec.Child.StartTime) != (pid, startTime)) return;
        RemoveWhenRead(exec);
        // Its client has deleted it already, which the daemon could not act on before.
        if (exec.Marks.HasFlag(ServiceMarks.Deleted)) _connection?.Send(ShimFrame.Begin(ShimKind.Deleted).Text(key));
    }

    private void RemoveWhenRead(ShimProcessEntry exec)
    {
        if (exec.IsKept) return;
        if (exec.Child.OutputFinished is { IsCompleted: false } output)
            output.ContinueWith(_ => _loop.Post(() => RemoveWhenRead(exec)), TaskScheduler.Default);
        else if (_processes.GetValueOrDefault(exec.Key) == exec) Remove(exec.Key);
    }

    private void Remove(string key)
    {
        if (!_processes.TryRemove(key, out var entry)) return;
        _byPid.Remove((entry.Child.Pid, entry.Child.StartTime));
        _ledger.Collected(key, entry.Child.Pid, entry.Child.StartTime);
        entry.Dispose();
    }

    private InvalidOperationException? Taken(string key) => _processes.GetValueOrDefault(key) is { Reported: false } there
        ? new InvalidOperationException($"\"{key}\" already runs in this shim as process {there.Child.Pid}")
        : null;

    private static InvalidOperationException Unknown(string key) => new($"\"{key}\" is not in this shim");
}
