using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// A live process of a container, its init or an exec: its pidfd, its streams, its start and its exit. Calls may block in the
/// kernel. One caller at a time, except for <see cref="Signal"/>.
/// </summary>
/// <remarks>Disposing it releases our handles: a running process keeps running, one that waits for its start exits.</remarks>
public abstract class ContainerProcess : IContainerProcess
{
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(1); // a grandchild may hold the terminal open forever
    private readonly HeldStart _start;
    private readonly ProcessStdio? _stdio;
    private IDisposable? _exitWatch;
    private volatile bool _isCollected;

    private protected ContainerProcess(ContainerHost host, LaunchedProcess process, HeldStart start, ProcessStdio stdio)
    {
        (Host, Pidfd, Pid, _start, _stdio) = (host, process.Pidfd, process.Pid, start, stdio);
        StartTime = ProcStat.TryStartTime(Pid) ?? 0;
    }

    /// <summary>Adopts a process that an earlier daemon started.</summary>
    private protected ContainerProcess(ContainerHost host, Pidfd pidfd, ProcessIdentity process) =>
        (Host, Pidfd, Pid, StartTime, _start) = (host, pidfd, process.Pid, process.StartTime, HeldStart.Past);

    /// <summary>Adopts a process that another process of ours hands over.</summary>
    private protected ContainerProcess(ContainerHost host, ProcessHandover from)
    {
        (Host, Pidfd, Pid, StartTime) = (host, from.Pidfd, from.Pid, from.StartTime);
        _start = HeldStart.Resume(from, Pidfd);
        _stdio = ResumeStdio(host, from);
    }

    /// <inheritdoc/>
    public int Pid { get; }

    /// <inheritdoc/>
    public ulong StartTime { get; }

    /// <inheritdoc/>
    public bool IsHeld => _start.IsHeld;

    /// <summary>Becomes readable when the process has exited: for the caller's poll(2), until this object is disposed.</summary>
    public int ExitDescriptor => Pidfd.Number;

    /// <summary>Whether it has exited, reaped or not.</summary>
    public bool HasExited => Pidfd.WaitForExit(TimeSpan.Zero);

    /// <summary>Completes when no more input will be relayed; null where none ever is.</summary>
    internal Task? InputEnded => _stdio?.InputEnded;

    /// <summary>See <see cref="ProcessStdio.Finished"/>.</summary>
    internal Task OutputFinished => _stdio?.Finished ?? Task.CompletedTask;

    private protected ContainerHost Host { get; }

    private protected Pidfd Pidfd { get; }

    /// <summary>Reports its exit, after a terminal's output is relayed. To be called once.</summary>
    /// <param name="onOom">The OOM killer killed a process of the container; never called for an exec, or after the exit.</param>
    public void Watch(Action<ProcessExit> onExit, Action? onOom = null)
    {
        WatchOom(onOom);
        var beforeReap = Host.BeforeReap is { } before
            ? (Action<ExitStatus, ProcessUsage>)(
            (status, usage) => before(new ProcessIdentity(Pid, StartTime, ProcStat.BootId), status, usage)) : null;
        _exitWatch = Host.Reaper.WatchExit(Pidfd, status => _ = Finish(status, onExit), beforeReap);
    }

    /// <summary>Waits for the exit of a process that is not watched, and reaps it where it is our child.</summary>
    /// <returns>The status; null where it cannot be known, or when <paramref name="timeout"/> passed first (see
    /// <see cref="HasExited"/>).</returns>
    public ExitStatus? Wait(TimeSpan timeout)
    {
        if (!Pidfd.WaitForExit(timeout)) return null;
        _stdio?.Drained.Wait(DrainTimeout); // as for a watched process
        return Pidfd.TryReap() ?? Pidfd.TryReadExit();
    }

    /// <summary>Lets it run its program; does nothing if it runs already.</summary>
    /// <exception cref="LaunchException">It could not be executed; the process exits with 127.</exception>
    /// <exception cref="OperationCanceledException">No reply before the deadline.</exception>
    public void Start(CancellationToken deadline)
    {
        if (_start.Release(deadline)) Started(deadline);
    }

    /// <summary>Sends it a signal. SIGKILL reaches a frozen one too.</summary>
    /// <returns>False when it has exited.</returns>
    public bool Signal(int signal)
    {
        if (Pidfd.IsClosed || !Pidfd.TrySignal(signal)) return false;
        if (signal == (int)Kernel.Processes.Signal.SIGKILL) ThawAfterKill();
        return true;
    }

    /// <summary>See <see cref="ProcessStdio.TakeTerminal"/>.</summary>
    public Fd? TakeTerminal() => _stdio?.TakeTerminal();

    /// <inheritdoc/>
    public void CloseInput() => _stdio?.CloseInput();

    /// <inheritdoc/>
    public void Resize(ushort columns, ushort rows) => _stdio?.Resize(columns, rows);

    /// <summary>Kills it, reaps it unless the reaper did, removes its resources, and disposes it.</summary>
    /// <inheritdoc/>
    public void End(TimeSpan timeout)
    {
        EndExceptOutput(timeout);
        Dispose();
    }

    /// <summary>
    /// As <see cref="End"/>, but what it has left in a FIFO can be read until it is disposed: see <see cref="OutputFinished"/>.
    /// </summary>
    internal void EndExceptOutput(TimeSpan timeout)
    {
        if (!_isCollected && Signal((int)Kernel.Processes.Signal.SIGKILL) && !Pidfd.WaitForExit(timeout))
            throw new TimeoutException($"process {Pid} does not die: it is stuck in the kernel (see /proc/{Pid}/stack)");
        if (!_isCollected && !Pidfd.IsClosed) Pidfd.TryReap();
        Remove(timeout);
        _stdio?.OnProcessExited();
    }

    void IContainerProcess.Collected()
    {
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        _exitWatch?.Dispose();
        _start.Dispose();
        _stdio?.Dispose();
        Pidfd.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>For a process that is not watched because its exit is known.</summary>
    internal void OnAlreadyExited() => _stdio?.OnProcessExited();

    /// <summary>What another process of ours needs to adopt it.</summary>
    /// <param name="stop">Whether we stop relaying.</param>
    internal virtual ProcessHandover HandOver(string key, bool stop)
    {
        var streams = _stdio?.HandOver(stop);
        return new ProcessHandover
        {
            Key = key,
            IsExec = this is ExecProcess,
            Pid = Pid,
            StartTime = StartTime,
            Terminal = streams?.Terminal ?? false,
            PendingInput = streams?.PendingInput ?? [],
            PendingOutput = streams?.PendingOutput ?? [],
            InputClosing = streams?.InputClosing ?? false,
            Handles = [Pidfd, _start.Socket, streams?.Master, streams?.Input, streams?.InputPipe, streams?.Output,
                streams?.Stdout.Reading, streams?.Stderr.Reading],
            StdoutLog = streams?.Stdout.Log ?? "",
            StderrLog = streams?.Stderr.Log ?? "",
            PendingStdout = streams?.Stdout.Pending ?? [],
            PendingStderr = streams?.Stderr.Pending ?? [],
        };
    }

    /// <summary>After a SIGKILL: it must be able to exit, even if it is frozen.</summary>
    private protected abstract void ThawAfterKill();

    /// <summary>Starts to report OOM kills.</summary>
    private protected virtual void WatchOom(Action? onOom)
    {
    }

    /// <summary>It was released: what has to follow.</summary>
    private protected virtual void Started(CancellationToken deadline)
    {
    }

    /// <summary>It has exited: what has to be done before the exit is reported.</summary>
    private protected virtual Task Exited() => Task.CompletedTask;

    /// <summary>It was killed and reaped: removes what else belongs to it.</summary>
    private protected virtual void Remove(TimeSpan timeout)
    {
    }

    private async Task Finish(ExitStatus? status, Action<ProcessExit> onExit)
    {
        _isCollected = status is not null;
        try
        {
            await Exited().ConfigureAwait(false);
            if (_stdio is { Drained.IsCompleted: false }) // no timer for each exit where there is nothing to wait for
                await Task.WhenAny(_stdio.Drained, Task.Delay(DrainTimeout)).ConfigureAwait(false);
            _stdio?.OnProcessExited();
        }
        catch (Exception e)
        {
            Host.OnError(e); // the exit is reported even if the cleanup failed
        }
        onExit(new ProcessExit(status, DateTimeOffset.UtcNow));
    }

    /// <summary>The streams; null where there is nothing to relay.</summary>
    private static ProcessStdio? ResumeStdio(ContainerHost host, ProcessHandover from)
    {
        var (master, input, pipe, output) = (
            from.Descriptor(ProcessHandover.MasterPlace), from.Descriptor(ProcessHandover.InputPlace),
            from.Descriptor(ProcessHandover.InputPipePlace), from.Descriptor(ProcessHandover.OutputPlace));
        var stdout = new OutputHandover(from.Descriptor(ProcessHandover.StdoutPlace), from.StdoutLog, from.PendingStdout);
        var stderr = new OutputHandover(from.Descriptor(ProcessHandover.StderrPlace), from.StderrLog, from.PendingStderr);
        if ((Fd?[])[master, input, output, stdout.Reading, stderr.Reading] is [null, null, null, null, null]) return null;
        return ProcessStdio.Resume(
            host.Relay.Value, host.OnError,
                new StdioHandover(from.Terminal, master, input, pipe, output, from.PendingInput, from.PendingOutput,
                from.InputClosing, stdout, stderr));
    }
}
