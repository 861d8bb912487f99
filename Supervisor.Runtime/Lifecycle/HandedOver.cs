using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>The start of a process that waits before its program. It happens once; every caller gets the same result.</summary>
internal sealed class HeldStart(HeldInit? held) : IDisposable
{
    private LaunchException? _failure;
    private volatile bool _done = held is null;

    /// <summary>For a process that an earlier daemon started.</summary>
    public static HeldStart Past => new(null);

    public bool IsHeld => !_done;

    /// <summary>Our end of the socket to it, while it waits.</summary>
    public Fd? Socket => _done ? null : held!.Socket;

    public static HeldStart Resume(ProcessHandover from, Pidfd pidfd, string name) =>
        from.Descriptor(ProcessHandover.HeldPlace) is { } socket
        ? new HeldStart(HeldInit.Resume(new LaunchedProcess(from.Pid, pidfd), socket, name))
        : Past;

    /// <returns>False when it was released before.</returns>
    public bool Release(CancellationToken deadline)
    {
        if (_failure is not null) throw _failure;
        if (_done) return false;
        try
        {
            held!.Release(deadline);
            _done = true;
            return true;
        }
        catch (LaunchException e)
        {
            _failure = e;
            throw;
        }
    }

    public void Dispose() => held?.Dispose();
}

/// <summary>The part of the handover that is the same for an init and an exec.</summary>
internal static class HandedOver
{
    public static ProcessHandover Of(
        string key, bool isExec, int pid, ulong startTime, Pidfd pidfd, HeldStart start, ProcessStdio? stdio, bool stop)
    {
        var streams = stdio?.HandOver(stop);
        return new ProcessHandover
        {
            Key = key,
            IsExec = isExec,
            Pid = pid,
            StartTime = startTime,
            Terminal = streams?.Terminal ?? false,
            PendingInput = streams?.PendingInput ?? [],
            PendingOutput = streams?.PendingOutput ?? [],
            InputEnding = streams?.InputEnding ?? false,
            Handles = [pidfd, start.Socket, streams?.Master, streams?.Input, streams?.InputPipe, streams?.Output,
                streams?.Stdout.Reading, streams?.Stderr.Reading],
            StdoutLog = streams?.Stdout.Log ?? "",
            StderrLog = streams?.Stderr.Log ?? "",
            PendingStdout = streams?.Stdout.Pending ?? [],
            PendingStderr = streams?.Stderr.Pending ?? [],
        };
    }

    /// <summary>The streams; null where there is nothing to relay.</summary>
    public static ProcessStdio? Resume(ContainerHost host, ProcessHandover from)
    {
        var (master, input, pipe, output) = (
            from.Descriptor(ProcessHandover.MasterPlace), from.Descriptor(ProcessHandover.InputPlace),
            from.Descriptor(ProcessHandover.InputPipePlace), from.Descriptor(ProcessHandover.OutputPlace));
        var stdout = new OutputHandover(from.Descriptor(ProcessHandover.StdoutPlace), from.StdoutLog, from.PendingStdout);
        var stderr = new OutputHandover(from.Descriptor(ProcessHandover.StderrPlace), from.StderrLog, from.PendingStderr);
        if ((Fd?[])[master, input, output, stdout.Reading, stderr.Reading] is [null, null, null, null, null]) return null;
        return ProcessStdio.Resume(
            host.Relay, host.OnError,
                new StdioHandover(from.Terminal, master, input, pipe, output, from.PendingInput, from.PendingOutput,
                from.InputEnding, stdout, stderr));
    }
}
