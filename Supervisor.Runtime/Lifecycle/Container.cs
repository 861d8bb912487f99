using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// A live container: its init, its cgroup, its standard streams. Calls may block in the kernel. One caller at a time, except
/// for <see cref="Signal"/>.
/// </summary>
/// <remarks>Disposing it releases our handles and leaves the container running; <see cref="TearDown"/> removes it.</remarks>
public sealed class Container : IContainer
{
    private readonly ContainerHost _host;
    private readonly HeldStart _start;
    private readonly ProcessStdio? _stdio;
    private readonly Pidfd _pidfd;
    private readonly CreateHooks? _hooks;
    private IDisposable? _exitWatch, _oomWatch;
    private OomNotifier? _oomNotifier;
    private ulong _oomKillsSeen;
    private Action? _onOom;
    private readonly bool _adopted; // earlier OOM kills may be unreported

    internal Container(ContainerHost host, string? bundle, Cgroup cgroup, HeldInit init, ProcessStdio stdio, CreateHooks hooks)
    {
        _hooks = hooks;
        (_host, Bundle, Cgroup, _start, _stdio, _pidfd) = (host, bundle, cgroup, new HeldStart(init), stdio, init.Process.Pidfd);
        Pid = init.Process.Pid;
        StartTime = ProcStat.TryStartTime(Pid) ?? 0;
    }

    /// <summary>A restored container, whose program runs already.</summary>
    internal Container(ContainerHost host, string? bundle, Cgroup cgroup, LaunchedProcess running, ProcessStdio stdio,
        CreateHooks hooks)
    {
        (_host, Bundle, Cgroup, _start, _stdio, _pidfd, _hooks) =
            (host, bundle, cgroup, HeldStart.Past, stdio, running.Pidfd, hooks);
        Pid = running.Pid;
        StartTime = ProcStat.TryStartTime(Pid) ?? 0;
    }

    private Container(ContainerHost host, string? bundle, Cgroup cgroup, Pidfd pidfd, int pid, ulong startTime) =>
        (_adopted, _host, Bundle, Cgroup, _pidfd, Pid, StartTime, _start) =
            (true, host, bundle, cgroup, pidfd, pid, startTime, HeldStart.Past);

    /// <summary>Adopts a container that another process of ours hands over.</summary>
    internal Container(ContainerHost host, ProcessHandover from)
    {
        (_host, Bundle, Cgroup, Pid, StartTime) = (host, from.Bundle, Cgroup.Open(from.CgroupPaths), from.Pid, from.StartTime);
        _pidfd = from.Pidfd;
        _start = HeldStart.Resume(from, _pidfd, "init");
        _stdio = HandedOver.Resume(host, from);
        _oomKillsSeen = from.OomKillsReported;
        _adopted = true;
    }

    /// <summary>The bundle's directory, if we own it; else null.</summary>
    public string? Bundle { get; }

    /// <summary>The container's cgroup.</summary>
    public Cgroup Cgroup { get; }

    /// <summary>The init's pid in our namespace, for printing.</summary>
    public int Pid { get; }

    /// <summary>
    /// The init's start time in clock ticks since boot. With the boot id it identifies the process across our restarts.
    /// </summary>
    public ulong StartTime { get; }

    /// <summary>Makes bundle, cgroup, streams and init, which then waits for <see cref="Start"/>.</summary>
    /// <exception cref="Runtime.Oci.InvalidSpecException">The spec is wrong; its Field says where. Nothing is left.</exception>
    /// <exception cref="InvalidStdioException">A stream cannot be opened. Nothing is left.</exception>
    /// <exception cref="CgroupException">A limit or the cgroup itself was refused. Nothing is left.</exception>
    /// <exception cref="LaunchException">A step of the set-up failed. Nothing is left.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed. Nothing is left.</exception>
    public static Container Create(ContainerHost host, ContainerRequest request, CancellationToken deadline) =>
        new ContainerCreation(host, request).Run(deadline);

    /// <summary>
    /// Restores a container from the images that <see cref="Checkpoint"/> wrote: as <see cref="Create"/>, but its processes
    /// run already. Its init is our child; its streams are the request's and replace those that it had.
    /// </summary>
    /// <exception cref="CheckpointException">criu failed; the message has the errors of criu's log. Nothing is left.</exception>
    /// <inheritdoc cref="Create"/>
    public static Container Restore(
        ContainerHost host, ContainerRequest request, CheckpointOptions options, CancellationToken deadline) =>
        new ContainerCreation(host, request).Restore(options, deadline);

    /// <summary>Adopts a container whose init an earlier daemon started.</summary>
    /// <returns>Null when the init is gone, or its pid is another process now.</returns>
    public static Container? TryAdopt(
        ContainerHost host, string? bundle, int pid, ulong startTime, string bootId,
        IReadOnlyDictionary<string, string> cgroupPaths)
    {
        if (bootId != ProcStat.BootId || Pidfd.TryOpen(pid) is not { } pidfd) return null;
        // Open the pidfd before reading the start time: both then name the same process.
        if (ProcStat.TryStartTime(pid) == startTime)
            return new Container(host, bundle, Cgroup.Open(cgroupPaths), pidfd, pid, startTime);
        pidfd.Dispose();
        return null;
    }

    /// <summary>Reports the exit of the init, and OOM kills, always before the exit. To be called once.</summary>
    /// <param name="onExit">The init's status, null where it cannot be known; after a terminal's output is relayed.</param>
    /// <param name="onOom">The OOM killer killed a process of the container.</param>
    public void Watch(Action<ExitStatus?> onExit, Action onOom)
    {
        _onOom = onOom;
        if (Cgroup.Exists && Cgroup.OpenOomNotifier() is { } notifier)
        {
            _oomNotifier = notifier;
            if (!_adopted) _oomKillsSeen = Cgroup.OomKills();
            _oomWatch = _host.Reaper.Watch(notifier.Fd, notifier.Priority, () =>
            {
                notifier.Acknowledge();
                ReportOom();
            });
            if (_adopted) ReportOomIfMissed();
        }
        var beforeReap = _host.BeforeReap is { } before
            ? (Action<ExitStatus, ProcessUsage>)(
            (status, usage) => before(new ProcessIdentity(Pid, StartTime, ProcStat.BootId), status, usage)) : null;
        _exitWatch = _host.Reaper.WatchExit(_pidfd, status => _ = Finish(status, onExit), beforeReap);
    }

    /// <summary>Becomes readable when the init has exited: for the caller's poll(2), until this object is disposed.</summary>
    public int ExitDescriptor => _pidfd.Number;

    /// <summary>Waits for an init that is not watched to exit, and reaps it where it is our child.</summary>
    /// <returns>The status; null where it cannot be known, or when <paramref name="timeout"/> passed first (see
    /// <see cref="HasEnded"/>).</returns>
    public ExitStatus? Wait(TimeSpan timeout)
    {
        if (!_pidfd.WaitForExit(timeout)) return null;
        _stdio?.Drained.Wait(TimeSpan.FromSeconds(1)); // as for a watched init
        return _pidfd.TryReap() ?? _pidfd.TryReadExit();
    }

    /// <summary>Whether the init has exited, reaped or not.</summary>
    public bool HasEnded => _pidfd.WaitForExit(TimeSpan.Zero);

    /// <summary>Lets the init run its program.</summary>
    /// <exception cref="LaunchException">It could not be executed; the init exits with 127.</exception>
    /// <exception cref="HookException">A poststart hook failed; the init has been killed.</exception>
    /// <exception cref="OperationCanceledException">No reply before the deadline.</exception>
    /// <exception cref="InvalidOperationException">The container was adopted, so it was started before.</exception>
    public void Start(CancellationToken deadline)
    {
        if (!_start.Release(deadline)) return;
        try
        {
            RunPoststart(deadline);
        }
        catch
        {
            // As runc does: an init whose start failed must not keep running.
            Signal((int)Kernel.Processes.Signal.SIGKILL);
            throw;
        }
    }

    private void RunPoststart(CancellationToken deadline)
    {
        if (_hooks is { Poststart.Count: > 0 })
            HookRunner.Run("poststart", _hooks.Poststart, _hooks.State("running", Pid), deadline);
        else if (_hooks is null && Bundle is not null
            && Runtime.Oci.Bundle.TryReadSpec(Bundle) is { Hooks.Poststart: { Count: > 0 } poststart } spec)
        {
            // Adopted before its start: the hooks are in its bundle's config.json.
            var state = new ContainerState(spec.OciVersion, Path.GetFileName(Bundle), "running", Pid, Bundle, spec.Annotations);
            HookRunner.Run("poststart", poststart, state, deadline);
        }
    }

    /// <inheritdoc/>
    public bool IsHeld => _start.IsHeld;

    /// <summary>
    /// Keeps the container's mounts after its init has exited, until it is closed. Without it the kernel reports the exit only
    /// when it has unmounted all of them, for which it waits until no processor can still be using one (an RCU grace period).
    /// </summary>
    /// <returns>Null where the kernel cannot do it.</returns>
    internal Kernel.Files.Fd? HoldMounts()
    {
        if (_pidfd.TryOpenMountNamespace() is { } opened) return opened;
        var byPid = Kernel.Files.Fd.TryOpen($"/proc/{Pid}/ns/mnt", OpenFlags.O_RDONLY);
        if (!HasEnded) return byPid; // so the pid was still the init's
        byPid?.Dispose();
        return null;
    }

    /// <summary>How many OOM kills have been reported.</summary>
    internal ulong OomKillsReported => _oomKillsSeen;

    /// <summary>Completes when no more input will be relayed; null where none ever is.</summary>
    internal Task? InputEnded => _stdio?.InputEnded;

    /// <summary>See <see cref="ProcessStdio.Finished"/>.</summary>
    internal Task OutputFinished => _stdio?.Finished ?? Task.CompletedTask;

    /// <summary>For an init that is not watched because its exit is known.</summary>
    internal void HasEndedBefore() => _stdio?.ProcessEnded();

    /// <summary>What another process of ours needs to adopt it.</summary>
    /// <param name="stop">Whether we stop relaying.</param>
    internal ProcessHandover HandOver(string key, bool stop) =>
        HandedOver.Of(key, isExec: false, Pid, StartTime, _pidfd, _start, _stdio, stop) with
    {
        Bundle = Bundle, CgroupPaths = Cgroup.Paths, OomKillsReported = _oomKillsSeen,
    };

    void IContainerProcess.Watch(Action<ProcessEnd> onExit, Action onOom) =>
        Watch(status => onExit(new ProcessEnd(status, DateTimeOffset.UtcNow)), onOom);

    void IContainerProcess.Collected()
    {
    }

    IContainerProcess IContainer.Exec(string key, ExecRequest request, CancellationToken deadline) => Exec(request, deadline);

    /// <summary>Spawns a process in the container, which then waits for its <see cref="ExecProcess.Start"/>.</summary>
    /// <exception cref="Runtime.Oci.InvalidSpecException">The process's spec is wrong; its Field says where.</exception>
    /// <exception cref="InvalidStdioException">A stream cannot be opened.</exception>
    /// <exception cref="LaunchException">A step failed; nothing is left of the process.</exception>
    /// <exception cref="InvalidOperationException">The container is paused, or has ended.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed; nothing is left of the process.</exception>
    public ExecProcess Exec(ExecRequest request, CancellationToken deadline)
    {
        if (!request.EvenIfPaused && Cgroup.IsFrozen)
            throw new InvalidOperationException(
            "the container is paused: resume it first; a process spawned in it could not run");
        var spec = request.Container ?? Spec();
        try
        {
            return new ExecCreation(_host, request.Cgroup ?? Cgroup, _pidfd, Pid, spec, request).Run(deadline);
        }
        catch (SyscallException e) when (e.Errno is Errno.EBUSY && request.Cgroup is null && CgroupOfInit() is { } below)
        {
            return new ExecCreation(_host, below, _pidfd, Pid, spec, request).Run(deadline);
        }
    }

    /// <summary>
    /// A cgroup v2 that delegates controllers may not hold processes itself: an init that enables them, like systemd, has moved
    /// into a child cgroup. An exec then goes into the init's cgroup, as with runc.
    /// </summary>
    /// <returns>Null where the init's is not below the container's.</returns>
    private Cgroup? CgroupOfInit()
    {
        if (Cgroup.V2Directory is not { } own || _host.Hierarchies.V2 is not { } tree) return null;
        var path = File.ReadLines($"/proc/{Pid}/cgroup")
            .FirstOrDefault(l => l.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        if (path is null || HasEnded || tree.MountRoot != "/" && !path.StartsWith(tree.MountRoot + "/", StringComparison.Ordinal))
            return null;
        var directory = tree.MountPoint + (tree.MountRoot == "/" ? path : path[tree.MountRoot.Length..]);
        return directory.StartsWith(own + "/", StringComparison.Ordinal)
            ? Cgroup.Open(new Dictionary<string, string> { [Cgroup.V2Key] = directory }) : null;
    }

    /// <summary>
    /// Writes the container to images with criu(8). Without <see cref="CheckpointOptions.LeaveRunning"/> its processes have
    /// exited when this returns, the init with 137.
    /// </summary>
    /// <exception cref="CheckpointException">criu failed; the message has the errors of criu's log. The container keeps
    /// running.</exception>
    /// <exception cref="InvalidOperationException">The container has not been started, or has ended.</exception>
    /// <exception cref="ArgumentException">An option has a value that criu does not know.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed; criu was killed, and the container is
    /// thawed.</exception>
    public void Checkpoint(CheckpointOptions options, CancellationToken deadline)
    {
        if (IsHeld) throw new InvalidOperationException("the container has not been started: there is nothing to checkpoint");
        if (HasEnded) throw new InvalidOperationException("the container has ended");
        var network = Spec()?.Linux?.Namespaces.Any(
            n => n.Type is Runtime.Oci.NamespaceKind.Network && !string.IsNullOrEmpty(n.Path)) ?? options.ExternalNetwork;
        ContainerCheckpoint.Run(Pid, Cgroup, network, options, deadline);
        if (options.LeaveRunning || options.PreDump) return;
        while (!_pidfd.WaitForExit(TimeSpan.FromMilliseconds(100))) deadline.ThrowIfCancellationRequested();
    }

    private Runtime.Oci.Spec? Spec() => _hooks?.Spec ?? (Bundle is null ? null : Runtime.Oci.Bundle.TryReadSpec(Bundle));

    /// <summary>Sends a signal to the init. SIGKILL reaches a frozen one too.</summary>
    /// <returns>False when it has ended.</returns>
    public bool Signal(int signal)
    {
        if (_pidfd.IsClosed || !_pidfd.TrySignal(signal)) return false;
        if (signal == (int)Kernel.Processes.Signal.SIGKILL) Cgroup.LetKilledEnd();
        return true;
    }

    /// <summary>Sends a signal to every process, each through a pidfd that is checked to be in the container.</summary>
    /// <returns>False when there was none.</returns>
    public bool SignalAll(int signal) => Cgroup.SignalAll(signal);

    /// <summary>See <see cref="ProcessStdio.TakeTerminal"/>.</summary>
    public Kernel.Files.Fd? TakeTerminal() => _stdio?.TakeTerminal();

    /// <summary>See <see cref="ProcessStdio.CloseInput"/>.</summary>
    public void CloseInput() => _stdio?.CloseInput();

    /// <summary>See <see cref="ProcessStdio.Resize"/>.</summary>
    public void Resize(ushort columns, ushort rows) => _stdio?.Resize(columns, rows);

    /// <summary>
    /// Kills what is left, reaps the init, and removes cgroup and bundle. The container is disposed afterwards.
    /// </summary>
    /// <exception cref="TimeoutException">Something does not die or cannot be removed; calling it again is harmless.</exception>
    public void End(TimeSpan timeout)
    {
        if (Signal((int)Kernel.Processes.Signal.SIGKILL) && !_pidfd.WaitForExit(timeout))
            throw new TimeoutException($"process {Pid} does not die: it is stuck in the kernel (see /proc/{Pid}/stack)");
        if (!_pidfd.IsClosed) _pidfd.TryReap(); // unless the reaper did it already
        Remove(Cgroup, timeout);
        if (_hooks is { Poststop.Count: > 0 })
            HookRunner.RunAll("poststop", _hooks.Poststop, _hooks.State("stopped", 0), _host.OnError, CancellationToken.None);
        else if (_hooks is null && Bundle is not null) RunPoststop(Bundle, _host.OnError);
        if (Bundle is not null) Runtime.Oci.Bundle.Remove(Bundle);
        Dispose();
    }

    /// <summary>
    /// Kills what is left of a container that we do not hold, and removes cgroup and bundle. Idempotent; also for half-created
    /// containers.
    /// </summary>
    /// <param name="cgroupPaths">Empty for a container whose creation was interrupted: they are read from its bundle.</param>
    /// <param name="bundle">Null where it is not ours to remove.</param>
    /// <param name="onError">Receives the failure of a poststop hook; the teardown continues.</param>
    public static void TearDown(
        string? bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout, Action<Exception>? onError = null)
    {
        var cgroup = Cgroup.Open(cgroupPaths.Count > 0 || bundle is null ? cgroupPaths : Runtime.Oci.Bundle.ReadCgroup(bundle));
        Remove(cgroup, timeout);
        if (bundle is null) return;
        if (cgroup.Paths.Count == 0) RemoveIntended(bundle);
        RunPoststop(bundle, onError ?? (static _ => { }));
        Runtime.Oci.Bundle.Remove(bundle);
    }

    /// <summary>Looks for processes only when it is not empty, as it almost always is.</summary>
    private static void Remove(Cgroup cgroup, TimeSpan timeout)
    {
        if (cgroup.TryDeleteEmpty()) return;
        cgroup.KillAll(timeout);
        cgroup.Delete(timeout);
    }

    private static void RunPoststop(string bundle, Action<Exception> onError)
    {
        if (Runtime.Oci.Bundle.TryReadSpec(bundle) is not { Hooks.Poststop: { Count: > 0 } poststop } spec) return;
        var state = new ContainerState(spec.OciVersion, Path.GetFileName(bundle), "stopped", 0, bundle, spec.Annotations);
        HookRunner.RunAll("poststop", poststop, state, onError, CancellationToken.None);
    }

    /// <summary>A creation was interrupted between making the cgroup and recording it.</summary>
    private static void RemoveIntended(string bundle)
    {
        var intended = Cgroup.Open(Runtime.Oci.Bundle.ReadIntendedCgroup(bundle));
        if (intended.Exists && intended.Processes().Count == 0) intended.Delete(TimeSpan.FromSeconds(1));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _exitWatch?.Dispose();
        _oomWatch?.Dispose();
        _oomNotifier?.Dispose();
        _start.Dispose();
        _stdio?.Dispose();
        _pidfd.Dispose();
    }

    private async Task Finish(ExitStatus? status, Action<ExitStatus?> onExit)
    {
        try
        {
            if (_oomNotifier is not null) ReportOomIfMissed();
            await LeftBehind.End(Cgroup).ConfigureAwait(false);
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

    private void ReportOom()
    {
        _oomKillsSeen = Math.Max(_oomKillsSeen + 1, Cgroup.OomKills());
        _onOom!();
    }

    /// <summary>
    /// The notifier and the exit have different descriptors: the OOM kill is reported first, in whatever order epoll does.
    /// </summary>
    private void ReportOomIfMissed()
    {
        if (Cgroup.OomKills() > _oomKillsSeen) ReportOom();
    }
}
