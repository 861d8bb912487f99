using System.Collections.Concurrent;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Runtime.ShimClient;

/// <summary>The directory of a shim, and the program to start if there is none.</summary>
/// <param name="Directory">Has its socket, its log and its uncollected exits: on a tmpfs, 0700, of this daemon only.</param>
/// <param name="Executable">supervisor-shim. A running shim of another file is upgraded to this one.</param>
/// <param name="Log">Receives messages for the operator, on any thread; must not throw.</param>
/// <param name="OwnsProcess">This process is the daemon and nothing else: it reaps the orphans that are reparented to it.</param>
public sealed record ShimOptions(string Directory, string Executable, Action<string> Log, bool OwnsProcess)
{
    /// <summary>Called on any thread when a container is removed and its key is free.</summary>
    internal Action<string>? OnRemoved { get; init; }

    /// <summary>The host is shared: it is not disposed with the runtime.</summary>
    internal bool SharesHost { get; init; }
}

/// <summary>
/// Containers as children of a shim, which outlives this process. They also outlive the shim: when it exits, its processes
/// are handed to the next.
/// </summary>
public sealed partial class ShimRuntime : IContainerRuntime, IShimListener
{
    internal const int CallMilliseconds = 60_000;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private readonly ShimOptions _options;
    private readonly ContainerHost _host;
    private readonly ConcurrentDictionary<string, ShimProcess> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Key, int Pid, ulong StartTime), ExitRecord> _uncollected = new();
    private HashSet<ShimProcess>? _listed; // by the current shim, while it lists; used only by the connection's thread
    private readonly ShimConnection _connection;
    private readonly OrphanReaper? _orphans;

    /// <param name="host">For the processes that this process itself watches; disposed with this.</param>
    public ShimRuntime(ContainerHost host, ShimOptions options)
    {
        (_host, _options) = (host, options);
        ProcessHardening.BecomeSubreaper();
        _connection = new ShimConnection(options, this);
        _connection.Begin();
        if (options.OwnsProcess) _orphans = new OrphanReaper(() => Watched);
    }

    /// <summary>
    /// The children of this process whose exits this runtime waits for: the shim, and the processes of a shim that exited.
    /// </summary>
    internal IEnumerable<int> Watched => [.. _known.Values.Select(p => p.Pid), .. ShimPid is { } shim ? (int[])[shim] : []];

    /// <summary>No shim has listed its processes yet, so no request was ever sent.</summary>
    internal bool HasNeverListed => _connection.HasNeverListed;

    /// <summary>Disposed, and its shim exited: it had no processes.</summary>
    internal bool HasLeft => _connection.HasLeft;

    /// <summary>The shim's pid; null while there is none.</summary>
    public int? ShimPid => _connection.ShimPid;

    /// <inheritdoc/>
    public IContainer Create(string key, ContainerRequest request, CancellationToken deadline) =>
        Make(ShimKind.Create, key, request,
            m => m.Text(key).I32(CallMilliseconds).Put(request).Flag(request.NoPivot).Text(request.Trace ?? ""), deadline);

    /// <inheritdoc/>
    public IContainer Restore(string key, ContainerRequest request, CheckpointOptions options, CancellationToken deadline) =>
        Make(ShimKind.Restore, key, request, m => m.Text(key).I32(CallMilliseconds).Put(request).Put(options), deadline);

    private ShimProcess Make(
        ShimKind kind, string key, ContainerRequest request, Action<MessageWriter> body, CancellationToken deadline)
    {
        using var spec = Payload.Write(request.Spec.Span);
        try
        {
            return Spawn(kind, key, null, request.Bundle, body, spec, deadline);
        }
        catch (ShimLostException)
        {
            _connection.WaitForShimExit();
            if (!request.OwnsBundle) throw;
            // Only the connection broke (no descriptor was free for its reply): the shim may still be creating it, and this call
            // removes it afterwards.
            if (_connection.IsShimAlive) IgnoreErrors(() => End(key, request.Bundle, new Dictionary<string, string>(), Grace));
            // Half-created or orphaned: its cgroup is in the bundle.
            else Container.TearDown(request.Bundle, new Dictionary<string, string>(), Grace);
            throw;
        }
    }

    /// <inheritdoc/>
    public IContainer? TryAdopt(
        string key, string bundle, ProcessIdentity init, IReadOnlyDictionary<string, string> cgroupPaths,
        CancellationToken deadline) =>
        Adopt(key, null, bundle, init, cgroupPaths, deadline);

    /// <inheritdoc/>
    public IContainerProcess? TryAdoptExec(string key, ProcessIdentity process, CancellationToken deadline) =>
        Adopt(key, key[..key.LastIndexOf('/')], null, process, new Dictionary<string, string>(), deadline);

    /// <inheritdoc/>
    public void TearDown(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout)
    {
        End(key, bundle, cgroupPaths, timeout);
        if (_known.TryRemove(key, out var known)) known.Dispose();
        Removed(key);
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Keys(CancellationToken deadline)
    {
        _connection.Session(deadline);
        return [.. _known.Keys.Union(_uncollected.Keys.Select(u => u.Key))];
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<FoundContainer> Found(CancellationToken deadline)
    {
        _connection.Session(deadline);
        return [.. _known.Values.Where(p => p is { IsExec: false, HasExited: false, Bundle: not null })
            .Select(p => new FoundContainer(
            p.Key, new ProcessIdentity(p.Pid, p.StartTime, ProcStat.BootId), p.Bundle!, p.CgroupPaths, p.Terminal, p.IsHeld))];
    }

    /// <inheritdoc/>
    public void EndExec(string key, TimeSpan timeout) => TearDown(key, "", new Dictionary<string, string>(), timeout);

    /// <summary>Stops a shim that has no processes left; any other keeps running for the next daemon.</summary>
    public void Dispose()
    {
        if (_connection.IsStopping) return;
        if (TryLeave()) return;
        _connection.Stop();
        Release();
    }

    /// <summary>Stops the shim and releases this, if the shim has no processes left.</summary>
    /// <returns>False where it has some, or where that cannot be known: then nothing has changed.</returns>
    internal bool TryLeave()
    {
        if (!_connection.TryLeave()) return false;
        Release();
        return true;
    }

    private void Release()
    {
        _orphans?.Dispose();
        if (!_options.SharesHost) _host.Dispose();
    }

    internal void Start(ShimProcess process, CancellationToken deadline) =>
        _connection.Repeat(session =>
            session.Call(ShimKind.Start, m => m.Text(process.Key).I32(CallMilliseconds), null, deadline), deadline);

    internal IContainerProcess Exec(ShimProcess container, string key, ExecRequest request, CancellationToken deadline)
    {
        using var process = Payload.Write(request.Process.Span);
        return Spawn(
            ShimKind.Exec, key, container.Key, "", m =>
                m.Text(key).I32(CallMilliseconds).Text(container.Key).Put(request.Stdio), process, deadline);
    }

    /// <summary>Not retried: a shim that exits during it may have left half of the images, or all of them.</summary>
    internal void Checkpoint(ShimProcess container, CheckpointOptions options, CancellationToken deadline) =>
        _connection.Session(deadline)
            .Call(ShimKind.Checkpoint, m => m.Text(container.Key).I32(CallMilliseconds).Put(options), null, deadline);

    /// <summary>Idempotent, so it is retried with the next shim when one exits during the call.</summary>
    internal void End(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout + Grace);
        try
        {
            _connection.Repeat(
                session => session.Call(
                    ShimKind.End, m => m.Text(key).I32((int)timeout.TotalMilliseconds).Text(bundle).Pairs(cgroupPaths), null,
                        deadline.Token),
                deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"the shim did not remove \"{key}\" within {timeout.TotalSeconds:0} s");
        }
        catch (ShimLostException) when (_connection.HasLeft)
        {
            // It had no processes; a bundle may be left without one.
            if (bundle.Length > 0) Container.TearDown(bundle, cgroupPaths, timeout);
        }
    }

    /// <summary>A container's resources are removed.</summary>
    internal void Removed(string key)
    {
        if (key.Count('/') == 1) _options.OnRemoved?.Invoke(key);
    }

    /// <summary>Sends a request without waiting for the reply: a shim that does not read must not block the caller.</summary>
    internal void SendInBackground(ShimProcess process, ShimKind kind, Action<MessageWriter> body)
    {
        if (process.HasExited || _connection.Current is not { } session) return;
        ThreadPool.UnsafeQueueUserWorkItem(_ => IgnoreErrors(() =>
        {
            using var deadline = new CancellationTokenSource(Grace);
            session.Ask(kind, body, [], deadline.Token).ContinueWith(t => t.Exception, TaskScheduler.Default);
        }), null);
    }

    internal void Collected(ShimProcess process)
    {
        _uncollected.TryRemove((process.Key, process.Pid, process.StartTime), out _);
        Notify(ShimFrame.Begin(ShimKind.Collected).Text(process.Key).I32(process.Pid).I64((long)process.StartTime));
    }

    /// <summary>Sends what needs no reply, if there is a shim. Does not block.</summary>
    internal void Notify(MessageWriter message)
    {
        if (_connection.Current is not { } session) return;
        ThreadPool.UnsafeQueueUserWorkItem(_ => IgnoreErrors(() =>
        {
            using var deadline = new CancellationTokenSource(Grace);
            session.Notify(message, deadline.Token);
        }), null);
    }

    internal void ThawAfterKill(ShimProcess process, Pidfd pidfd) =>
        FrozenProcess.ThawAfterKill(process.Pid, pidfd, _host.Hierarchies);

    internal void Forget(ShimProcess process) => _known.TryRemove(new KeyValuePair<string, ShimProcess>(process.Key, process));

    private ShimProcess? Adopt(
        string key, string? containerKey, string? bundle, ProcessIdentity wanted, IReadOnlyDictionary<string, string> cgroupPaths,
            CancellationToken deadline)
    {
        if (wanted.BootId != ProcStat.BootId) return null;
        var session = _connection.Session(deadline);
        if (_known.TryGetValue(key, out var known) && (known.Pid, known.StartTime) == (wanted.Pid, wanted.StartTime))
            return known;
        var facts = new ProcessHandover
        {
            Key = key, IsExec = containerKey is not null, Pid = wanted.Pid, StartTime = wanted.StartTime, Bundle = bundle,
            CgroupPaths = cgroupPaths,
            Handles = new System.Runtime.InteropServices.SafeHandle?[ProcessHandover.Places],
        };
        if (_uncollected.TryGetValue((key, wanted.Pid, wanted.StartTime), out var exit))
        {
            var gone = new ShimProcess(this, facts, containerKey);
            gone.Record(exit.End, exit.OomKills);
            _known[key] = gone;
            return gone;
        }
        if (wanted.TryOpen() is not { } pidfd) return null; // else its shim exited while no daemon ran
        facts.Handles[ProcessHandover.PidfdPlace] = pidfd;
        var process = new ShimProcess(this, facts, containerKey);
        _known[key] = process;
        try
        {
            GiveTo(session, process);
            return process;
        }
        catch
        {
            process.Dispose(); // the shim is exiting: the caller retries, and the next shim adopts it
            throw;
        }
    }

    /// <param name="containerKey">For an exec.</param>
    private ShimProcess Spawn(
        ShimKind kind, string key, string? containerKey, string bundle, Action<MessageWriter> body,
            System.Runtime.InteropServices.SafeHandle payload, CancellationToken deadline)
    {
        var session = _connection.Session(deadline);
        ShimProcess? spawned = null;
        session.Call(kind, body, payload, deadline, late => Undo(key, bundle, late), Spawned);
        return spawned!;

        // Runs on the reading thread before it reads on: the next report of the process, or the shim's exit, finds it known.
        void Spawned(ShimSession.Reply reply)
        {
            spawned = new ShimProcess(this, reply.Body.Process(reply.Descriptors, session.Version), containerKey);
            _known[spawned.Key] = spawned;
        }
    }

    private void Undo(string key, string bundle, ShimSession.Reply late)
    {
        foreach (var fd in late.Descriptors) fd.Dispose();
        IgnoreErrors(() =>
        {
            End(key, bundle, new Dictionary<string, string>(), Grace);
            Removed(key);
        });
    }

    void IShimListener.Connected() => _listed = [];

    void IShimListener.OnMessage(ShimSession session, ShimKind kind, MessageReader body, List<Fd> descriptors)
    {
        switch (kind)
        {
            case ShimKind.Listed:
                var listed = Listed(body, descriptors, session.Version);
                if (_listed is { } others) others.Add(listed);
                else ReportExec(listed);
                break;
            case ShimKind.Started or ShimKind.Frozen or ShimKind.Thawed or ShimKind.Deleted:
                OnService(kind, body.Text());
                break;
            case ShimKind.Exited:
                Exited(body.Exit());
                break;
            case ShimKind.OutOfMemory:
                if (_known.GetValueOrDefault(body.Text()) is { } process) process.Record(null, (ulong)body.I64());
                break;
            case ShimKind.InputEnded:
                if (_known.GetValueOrDefault(body.Text()) is { } closing && closing.Pid == body.I32()) closing.InputEnded();
                break;
        }
    }

    void IShimListener.Listed(ShimSession session)
    {
        var listed = _listed ?? [];
        _listed = null;
        foreach (var process in _known.Values)
            if (!listed.Contains(process)) GiveTo(session, process);
        ReportExecs(listed);
    }

    /// <summary>The shim's processes keep running; the daemon watches their exits from now on.</summary>
    void IShimListener.OnShimExited()
    {
        _options.Log($"the shim exited; the daemon watches its {_known.Values.Count(p => !p.HasExited)} processes itself and "
            + "starts a new shim");
        foreach (var process in _known.Values) process.WatchLocally(_host);
    }

    private ShimProcess Listed(MessageReader body, List<Fd> descriptors, int version)
    {
        var handover = body.Process(descriptors, version);
        var container = body.Text();
        var exit = body.Flag() ? body.Exit() : null;
        var (marks, spec) = body.Marks();
        if (_known.TryGetValue(handover.Key, out var known)
            && (known.Pid, known.StartTime) == (handover.Pid, handover.StartTime))
        {
            if (handover.Handles[ProcessHandover.InputPlace] is null) known.InputEnded(); // it ended while not connected
            if (handover.Handles[ProcessHandover.HeldPlace] is null && known.IsHeld) known.Released();
            known.Marks = marks;
            handover.Close();
        }
        else
        {
            known = new ShimProcess(this, handover, container.Length == 0 ? null : container, marks, spec);
            _known[known.Key] = known;
        }
        if (exit is not null) known.Record(exit.End, exit.OomKills);
        return known;
    }

    /// <summary>Kept for the caller that adopts the process, if it is not known yet.</summary>
    private void Exited(ExitRecord exit)
    {
        if (_known.TryGetValue(exit.Key, out var known) && (known.Pid, known.StartTime) == (exit.Pid, exit.StartTime))
            known.Record(exit.End, exit.OomKills);
        else _uncollected[(exit.Key, exit.Pid, exit.StartTime)] = exit;
    }

    /// <summary>Hands a process's streams and its start to a shim that is not its parent.</summary>
    private void GiveTo(ShimSession session, ShimProcess process) => process.HandOver(handover =>
    {
        using var deadline = new CancellationTokenSource(Grace);
        session.Ask(ShimKind.Adopt, m =>
            m.Put(handover, session.Version).Text(process.ContainerKey ?? "").Put(process.Marks, process.Spec),
            [.. handover.Present()], deadline.Token)
            .ContinueWith(
                t =>
                {
                    _options.Log($"{process.Key}: the shim did not adopt it, the daemon watches its exit itself: "
                        + $"{t.Exception!.InnerException!.Message}");
                    process.WatchLocally(_host);
                },
                TaskContinuationOptions.OnlyOnFaulted);
    });

    private static void IgnoreErrors(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (
            e is IOException or OperationCanceledException or InvalidOperationException or TimeoutException
            or ObjectDisposedException)
        {
            // It is sent again, or found, when the next connection is made.
        }
    }
}
