using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// A live process in a container beside its init. One caller at a time, except for <see cref="Signal"/>.
/// </summary>
/// <remarks>Disposing it releases our handles: a running process keeps running, one that waits for its start exits.</remarks>
public sealed class ExecProcess : IContainerProcess
{
    private readonly ContainerHost _host;
    private readonly HeldStart _start;
    private readonly ProcessStdio? _stdio;
    private readonly Pidfd _pidfd;
    private IDisposable? _exitWatch;

    internal ExecProcess(ContainerHost host, HeldInit held, ProcessStdio stdio)
    {
        (_host, _start, _stdio, _pidfd, Pid) = (host, new HeldStart(held), stdio, held.Process.Pidfd, held.Process.Pid);
        StartTime = ProcStat.TryStartTime(Pid) ?? 0;
    }

    private ExecProcess(ContainerHost host, Pidfd pidfd, int pid, ulong startTime) =>
        (_host, _pidfd, Pid, StartTime, _start) = (host, pidfd, pid, startTime, HeldStart.Past);

    /// <summary>Adopts a process that another process of ours hands over.</summary>
    internal ExecProcess(ContainerHost host, ProcessHandover from)
    {
        (_host, Pid, StartTime) = (host, from.Pid, from.StartTime);
        _pidfd = from.Pidfd;
        _start = HeldStart.Resume(from, _pidfd, "exec");
        _stdio = HandedOver.Resume(host, from);
    }

    /// <summary>Its pid in our namespace, for printing.</summary>
    public int Pid { get; }

    /// <summary>In clock ticks since boot. With the boot id it identifies the process across our restarts.</summary>
    public ulong StartTime { get; }

    /// <summary>Adopts a process that an earlier daemon started.</summary>
    /// <returns>Null when it is gone, or its pid is another process now.</returns>
    public static ExecProcess? TryAdopt(ContainerHost host, int pid, ulong startTime, string bootId)
    {
        if (bootId != ProcStat.BootId || Pidfd.TryOpen(pid) is not { } pidfd) return null;
        // Open the pidfd before reading the start time: both then name the same process.
        if (ProcStat.TryStartTime(pid) == startTime) return new ExecProcess(host, pidfd, pid, startTime);
        pidfd.Dispose();
        return null;
    }

    /// <summary>Reports its exit, after a terminal's output is relayed. To be called once.</summary>
    /// <param name="onExit">The status, null where it cannot be known.</param>
    public void Watch(Action<ExitStatus?> onExit)
    {
        var beforeReap = _host.BeforeReap is { } before
            ? (Action<ExitStatus, ProcessUsage>)(
            (status, usage) => before(new ProcessIdentity(Pid, StartTime, ProcStat.BootId), status, usage)) : null;
        _exitWatch = _host.Reaper.WatchExit(_pidfd, status => _ = Finish(status, onExit), beforeReap);
    }

    void IContainerProcess.Watch(Action<ProcessEnd> onExit, Action onOom) =>
        Watch(status => onExit(new ProcessEnd(status, DateTimeOffset.UtcNow)));

    void IContainerProcess.Collected()
    {
    }

    /// <inheritdoc/>
    public bool IsHeld => _start.IsHeld;

    /// <summary>Completes when no more input will be relayed; null where none ever is.</summary>
    internal Task? InputEnded => _stdio?.InputEnded;

    /// <summary>See <see cref="ProcessStdio.Finished"/>.</summary>
    internal Task OutputFinished => _stdio?.Finished ?? Task.CompletedTask;

    /// <summary>For a process that is not watched because its exit is known.</summary>
    internal void HasEndedBefore() => _stdio?.ProcessEnded();

    /// <summary>What another process of ours needs to adopt it.</summary>
    /// <param name="stop">Whether we stop relaying.</param>
    internal ProcessHandover HandOver(string key, bool stop) =>
        HandedOver.Of(key, isExec: true, Pid, StartTime, _pidfd, _start, _stdio, stop);

    /// <inheritdoc cref="Container.ExitDescriptor"/>
    public int ExitDescriptor => _pidfd.Number;

    /// <summary>Waits for its exit and reaps it. Not for a watched process.</summary>
    /// <returns>The status; null when <paramref name="timeout"/> passed first.</returns>
    public ExitStatus? Wait(TimeSpan timeout)
    {
        if (!_pidfd.WaitForExit(timeout)) return null;
        _stdio?.Drained.Wait(TimeSpan.FromSeconds(1)); // as for a watched process
        return _pidfd.TryReap() ?? _pidfd.TryReadExit();
    }

    /// <summary>Lets it run its program.</summary>
    /// <exception cref="LaunchException">It could not be executed; the process exits with 127.</exception>
    /// <exception cref="OperationCanceledException">No reply before the deadline.</exception>
    /// <exception cref="InvalidOperationException">It was adopted, so it was started before.</exception>
    public void Start(CancellationToken deadline) => _start.Release(deadline);

    /// <summary>Sends it a signal. SIGKILL reaches a frozen one too, and leaves the others in the container frozen.</summary>
    /// <returns>False when it has ended.</returns>
    public bool Signal(int signal)
    {
        if (_pidfd.IsClosed || !_pidfd.TrySignal(signal)) return false;
        if (signal == (int)Kernel.Processes.Signal.SIGKILL) FrozenProcess.LetKilledEnd(Pid, _pidfd, _host.Hierarchies);
        return true;
    }

    /// <summary>See <see cref="ProcessStdio.TakeTerminal"/>.</summary>
    public Kernel.Files.Fd? TakeTerminal() => _stdio?.TakeTerminal();

    /// <summary>See <see cref="ProcessStdio.CloseInput"/>.</summary>
    public void CloseInput() => _stdio?.CloseInput();

    /// <summary>See <see cref="ProcessStdio.Resize"/>.</summary>
    public void Resize(ushort columns, ushort rows) => _stdio?.Resize(columns, rows);

    /// <summary>Kills and reaps it. Not for a watched process, which the reaper reaps.</summary>
    /// <exception cref="TimeoutException">It does not die.</exception>
    public void End(TimeSpan timeout)
    {
        if (Signal((int)Kernel.Processes.Signal.SIGKILL) && !_pidfd.WaitForExit(timeout))
            throw new TimeoutException($"process {Pid} does not die: it is stuck in the kernel (see /proc/{Pid}/stack)");
        if (!_pidfd.IsClosed) _pidfd.TryReap();
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _exitWatch?.Dispose();
        _start.Dispose();
        _stdio?.Dispose();
        _pidfd.Dispose();
    }

    private async Task Finish(ExitStatus? status, Action<ExitStatus?> onExit)
    {
        try
        {
            // A grandchild may hold the terminal open for ever; the exit is not delayed longer than this.
            if (_stdio is not null) await Task.WhenAny(_stdio.Drained, Task.Delay(TimeSpan.FromSeconds(1))).ConfigureAwait(false);
            _stdio?.ProcessEnded();
        }
        catch (Exception e)
        {
            _host.OnError(e); // the exit is reported even if the cleanup failed
        }
        onExit(status);
    }
}
