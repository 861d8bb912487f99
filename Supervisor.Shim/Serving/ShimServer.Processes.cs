using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Serving;

/// <summary>The processes of the shim, each from its start until its exit is collected.</summary>
internal sealed partial class ShimServer
{
    private void Add(ShimProcessEntry hosted)
    {
        Remove(hosted.Key); // an exited process of the same key
        _processes[hosted.Key] = hosted;
        _byPid[(hosted.Child.Pid, hosted.Child.StartTime)] = hosted;
        hosted.Child.Watch(
            end => _loop.Post(() => ReportExit(hosted, end)),
            () => _connection?.Send(ShimFrame.Begin(ShimKind.OutOfMemory).Text(hosted.Key).I64((long)hosted.OomKills)));
        hosted.Child.InputEnded?.ContinueWith(
            _ => _loop.Post(() => _connection?.Send(ShimFrame.Begin(ShimKind.InputEnded).Text(hosted.Key).I32(hosted.Child.Pid))),
                TaskScheduler.Default);
    }

    /// <summary>Called while the kernel still keeps the child: if we crash now, its new parent can still reap it.</summary>
    private void NoteEnd(ProcessIdentity process, ExitStatus status, ProcessUsage usage)
    {
        if (!_byPid.TryGetValue((process.Pid, process.StartTime), out var hosted)) return;
        hosted.Exit = new ExitRecord(
            hosted.Key, process.Pid, process.StartTime, status.Code, DateTimeOffset.UtcNow, hosted.OomKills, usage);
        _ledger.Add(hosted.Exit);
    }

    private void ReportExit(ShimProcessEntry hosted, ProcessEnd end)
    {
        // removed meanwhile
        if (hosted.Reported || _byPid.GetValueOrDefault((hosted.Child.Pid, hosted.Child.StartTime)) != hosted) return;
        hosted.Reported = true;
        var seen = hosted.Exit
            ?? new ExitRecord(hosted.Key, hosted.Child.Pid, hosted.Child.StartTime, end.Status?.Code, end.At, 0, default);
        hosted.Exit = seen with { OomKills = hosted.OomKills };
        _ledger.Add(hosted.Exit);
        _connection?.Send(ShimFrame.Begin(ShimKind.Exited).Put(hosted.Exit));
        Unmount(hosted);
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
    }

    private void RemoveWhenRead(ShimProcessEntry exec)
    {
        if (exec.Child.OutputFinished is { IsCompleted: false } output)
            output.ContinueWith(_ => _loop.Post(() => RemoveWhenRead(exec)), TaskScheduler.Default);
        else if (_processes.GetValueOrDefault(exec.Key) == exec) Remove(exec.Key);
    }

    private void Remove(string key)
    {
        if (!_processes.TryRemove(key, out var hosted)) return;
        _byPid.Remove((hosted.Child.Pid, hosted.Child.StartTime));
        _ledger.Collected(key, hosted.Child.Pid, hosted.Child.StartTime);
        hosted.Dispose();
    }

    private InvalidOperationException? Taken(string key) => _processes.GetValueOrDefault(key) is { Reported: false } there
        ? new InvalidOperationException($"\"{key}\" already runs in this shim as process {there.Child.Pid}")
        : null;

    private static InvalidOperationException Unknown(string key) => new($"\"{key}\" is not in this shim");
}
