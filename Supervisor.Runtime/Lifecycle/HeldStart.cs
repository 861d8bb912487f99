using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Programs;

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

    public static HeldStart Resume(ProcessHandover from, Pidfd pidfd) =>
        from.Descriptor(ProcessHandover.HeldPlace) is { } socket
        ? new HeldStart(HeldInit.Resume(new LaunchedProcess(from.Pid, pidfd), socket, from.IsExec ? "exec" : "init"))
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
