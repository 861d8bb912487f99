using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>A live container: its init, its cgroup, its standard streams.</summary>
/// <remarks>Disposing it leaves the container running; <see cref="TearDown"/> removes it.</remarks>
public sealed class Container : ContainerProcess, IContainer
{
    private readonly CreateHooks? _hooks;
    private readonly bool _adopted; // earlier OOM kills may be unreported
    private IDisposable? _oomWatch;
    private OomNotifier? _oomNotifier;
    private ulong _oomKillsSeen;
    private Action? _onOom;

    /// <param name="start">Past for a restored container, whose program runs already.</param>
    internal Container(
        ContainerHost host, string? bundle, Cgroup cgroup, LaunchedProcess init, HeldStart start, ProcessStdio stdio,
        CreateHooks hooks) : base(host, init, start, stdio) => (Bundle, Cgroup, _hooks) = (bundle, cgroup, hooks);

    /// <summary>Adopts a container that another process of ours hands over.</summary>
    internal Container(ContainerHost host, ProcessHandover from) : this(host, from, Cgroup.Open(from.CgroupPaths))
    {
    }

    private Container(ContainerHost host, ProcessHandover from, Cgroup cgroup) : base(host, from) =>
        (Bundle, Cgroup, _oomKillsSeen, _adopted) = (from.Bundle, cgroup, from.OomKillsReported, true);

    private Container(ContainerHost host, string? bundle, Cgroup cgroup, Pidfd pidfd, ProcessIdentity init)
        : base(host, pidfd, init) => (Bundle, Cgroup, _adopted) = (bundle, cgroup, true);

    /// <summary>The bundle's directory, if we own it; else null.</summary>
    public string? Bundle { get; }

    /// <summary>The container's cgroup.</summary>
    public Cgroup Cgroup { get; }

    /// <summary>Makes bundle, cgroup, streams and init, which then waits for <see cref="ContainerProcess.Start"/>.</summary>
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
    /// <returns>Null when the init is gone.</returns>
    public static Container? TryAdopt(
        ContainerHost host, string? bundle, ProcessIdentity init, IReadOnlyDictionary<string, string> cgroupPaths) =>
        init.TryOpen() is { } pidfd ? new Container(host, bundle, Cgroup.Open(cgroupPaths), pidfd, init) : null;

    private protected override void WatchOom(Action? onOom)
    {
        _onOom = onOom;
        if (_adopted ? !Cgroup.Exists : Cgroup.Paths.Count == 0) return;
        if (Cgroup.OpenOomNotifier() is not { } notifier) return;
        _oomNotifier = notifier; // a new cgroup has had no kill; after an adoption, some may not have been reported
        _oomWatch = Host.Reaper.Watch(notifier.Fd, notifier.Priority, () =>
        {
            notifier.Acknowledge();
            ReportOom();
        });
        if (_adopted) ReportOomIfMissed();
    }

    /// <exception cref="HookException">A poststart hook failed; the init has been killed.</exception>
    private protected override void Started(CancellationToken deadline)
    {
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
            HookRunner.Run("poststart", poststart, StateOf(Bundle, spec, "running", Pid), deadline);
        }
    }

    /// <summary>
    /// Keeps the container's mounts after its init has exited, until it is closed. Without it the kernel reports the exit only
    /// when it has unmounted all of them, for which it waits until no processor can still be using one (an RCU grace period).
    /// </summary>
    /// <returns>Null where the kernel cannot do it, or the init has exited.</returns>
    internal Fd? HoldMounts()
    {
        if (Pidfd.TryOpenMountNamespace() is { } opened) return opened;
        try
        {
            var byPid = Fd.TryOpen($"/proc/{Pid}/ns/mnt", OpenFlags.O_RDONLY);
            if (!HasExited) return byPid; // so the pid was still the init's
            byPid?.Dispose();
        }
        catch (SyscallException)
        {
            // ESRCH, EMFILE: its exit is reported later, and nothing is lost.
        }
        return null;
    }

    /// <summary>How many OOM kills have been reported.</summary>
    internal ulong OomKillsReported => _oomKillsSeen;

    internal override ProcessHandover HandOver(string key, bool stop) => base.HandOver(key, stop) with
    {
        Bundle = Bundle, CgroupPaths = Cgroup.Paths, OomKillsReported = _oomKillsSeen,
    };

    bool IContainer.IsStartedByService => false;

    /// <summary>Its Shim service is the shim's, which is where this object is then.</summary>
    void IContainer.WatchService(Action<ServiceReport> onReport)
    {
    }

    IContainerProcess IContainer.Exec(string key, ExecRequest request, CancellationToken deadline) => Exec(request, deadline);

    /// <summary>Spawns a process in the container, which then waits for its <see cref="ContainerProcess.Start"/>.</summary>
    /// <exception cref="Runtime.Oci.InvalidSpecException">The process's spec is wrong; its Field says where.</exception>
    /// <exception cref="InvalidStdioException">A stream cannot be opened.</exception>
    /// <exception cref="LaunchException">A step failed; nothing is left of the process.</exception>
    /// <exception cref="InvalidOperationException">The container is paused, or has exited.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed; nothing is left of the process.</exception>
    public ExecProcess Exec(ExecRequest request, CancellationToken deadline)
    {
        if (!request.EvenIfPaused && Cgroup.IsFrozen)
            throw new InvalidOperationException(
            "the container is paused: resume it first; a process spawned in it could not run");
        var spec = request.Container ?? Spec();
        try
        {
            return new ExecCreation(Host, request.Cgroup ?? Cgroup, Pidfd, Pid, spec, request).Run(deadline);
        }
        catch (SyscallException e) when (e.Errno is Errno.EBUSY && request.Cgroup is null && CgroupOfInit() is { } below)
        {
            return new ExecCreation(Host, below, Pidfd, Pid, spec, request).Run(deadline);
        }
    }

    /// <summary>
    /// A cgroup v2 that delegates controllers may not hold processes itself: an init that enables them, like systemd, has moved
    /// into a child cgroup. An exec then goes into the init's cgroup, as with runc.
    /// </summary>
    /// <returns>Null where the init's is not below the container's.</returns>
    private Cgroup? CgroupOfInit()
    {
        if (Cgroup.V2Directory is not { } own || Host.Hierarchies.V2 is not { } tree) return null;
        var path = File.ReadLines($"/proc/{Pid}/cgroup")
            .FirstOrDefault(l => l.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        if (path is null || HasExited
            || tree.MountRoot != "/" && !path.StartsWith(tree.MountRoot + "/", StringComparison.Ordinal))
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
    /// <exception cref="InvalidOperationException">The container has not been started, or has exited.</exception>
    /// <exception cref="ArgumentException">An option has a value that criu does not know.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed; criu was killed, and the container is
    /// thawed.</exception>
    public void Checkpoint(CheckpointOptions options, CancellationToken deadline)
    {
        if (IsHeld) throw new InvalidOperationException("the container has not been started: there is nothing to checkpoint");
        if (HasExited) throw new InvalidOperationException("the container has exited");
        var network = Spec()?.Linux?.Namespaces.Any(
            n => n.Type is Runtime.Oci.NamespaceKind.Network && !string.IsNullOrEmpty(n.Path)) ?? options.ExternalNetwork;
        ContainerCheckpoint.Run(Pid, Cgroup, network, options, deadline);
        if (options.LeaveRunning || options.PreDump) return;
        while (!Pidfd.WaitForExit(TimeSpan.FromMilliseconds(100))) deadline.ThrowIfCancellationRequested();
    }

    private Runtime.Oci.Spec? Spec() => _hooks?.Spec ?? (Bundle is null ? null : Runtime.Oci.Bundle.TryReadSpec(Bundle));

    private protected override void ThawAfterKill() => Cgroup.ThawAfterKill();

    /// <summary>Sends a signal to every process, each through a pidfd that is checked to be in the container.</summary>
    /// <returns>False when there was none.</returns>
    public bool SignalAll(int signal) => Cgroup.SignalAll(signal);

    /// <summary>Kills what is left, and removes cgroup and bundle.</summary>
    private protected override void Remove(TimeSpan timeout)
    {
        RemoveCgroup(Cgroup, timeout, Host.Parents);
        if (_hooks is { Poststop.Count: > 0 })
            HookRunner.RunAll("poststop", _hooks.Poststop, _hooks.State("stopped", 0), Host.OnError, CancellationToken.None);
        else if (_hooks is null && Bundle is not null) RunPoststop(Bundle, Host.OnError);
        if (Bundle is not null) Runtime.Oci.Bundle.Remove(Bundle);
    }

    /// <summary>
    /// Kills what is left of a container that we do not hold, and removes cgroup and bundle. Idempotent; also for half-created
    /// containers.
    /// </summary>
    /// <param name="cgroupPaths">Empty for a container whose creation was interrupted: they are read from its bundle.</param>
    /// <param name="bundle">Null where there is none.</param>
    /// <param name="onError">Receives the failure of a poststop hook; the teardown continues.</param>
    /// <param name="parents">Where the parents of its cgroup are kept; null where they are not.</param>
    /// <param name="ownsBundle">As <see cref="ContainerRequest.OwnsBundle"/>; if not, it stays, without its record.</param>
    public static void TearDown(
        string? bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout, Action<Exception>? onError = null,
        CgroupParents? parents = null, bool ownsBundle = true)
    {
        var cgroup = Cgroup.Open(cgroupPaths.Count > 0 || bundle is null ? cgroupPaths : Runtime.Oci.Bundle.ReadCgroup(bundle));
        RemoveCgroup(cgroup, timeout, parents);
        if (bundle is null) return;
        if (cgroup.Paths.Count == 0) RemoveIntended(bundle);
        RunPoststop(bundle, onError ?? (static _ => { }));
        if (ownsBundle) Runtime.Oci.Bundle.Remove(bundle);
        else Runtime.Oci.Bundle.RemoveCgroupRecord(bundle);
    }

    /// <summary>Looks for processes only when it is not empty, as it almost always is.</summary>
    private static void RemoveCgroup(Cgroup cgroup, TimeSpan timeout, CgroupParents? parents)
    {
        if (cgroup.TryDeleteEmpty(parents)) return;
        cgroup.KillAll(timeout);
        cgroup.Delete(timeout, parents);
    }

    private static void RunPoststop(string bundle, Action<Exception> onError)
    {
        if (Runtime.Oci.Bundle.TryReadSpec(bundle) is not { Hooks.Poststop: { Count: > 0 } poststop } spec) return;
        HookRunner.RunAll("poststop", poststop, StateOf(bundle, spec, "stopped", 0), onError, CancellationToken.None);
    }

    private static ContainerState StateOf(string bundle, Runtime.Oci.Spec spec, string status, int pid) =>
        new(spec.OciVersion, Path.GetFileName(bundle), status, pid, bundle, spec.Annotations);

    /// <summary>A creation was interrupted between making the cgroup and recording it.</summary>
    private static void RemoveIntended(string bundle)
    {
        var intended = Cgroup.Open(Runtime.Oci.Bundle.ReadIntendedCgroup(bundle));
        // Not only if it exists: its parents may.
        if (intended.Processes().Count == 0) intended.Delete(TimeSpan.FromSeconds(1));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _oomWatch?.Dispose();
        _oomNotifier?.Dispose();
        base.Dispose();
    }

    private protected override Task Exited()
    {
        if (_oomNotifier is not null) ReportOomIfMissed();
        return LeftoverProcesses.KillAsync(Cgroup);
    }

    private void ReportOom()
    {
        _oomKillsSeen = Math.Max(_oomKillsSeen + 1, _oomNotifier!.Kills());
        _onOom?.Invoke();
    }

    /// <summary>
    /// The notifier and the exit have different descriptors: the OOM kill is reported first, in whatever order epoll does.
    /// </summary>
    private void ReportOomIfMissed()
    {
        if (_oomNotifier!.Kills() > _oomKillsSeen) ReportOom();
    }
}
