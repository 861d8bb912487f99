using System.Collections.Concurrent;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.ShimClient;

/// <summary>Where a shim is, and what to start if there is none.</summary>
/// <param name="Directory">Of its socket, its log and its uncollected exits: on a tmpfs, 0700, no other daemon's.</param>
/// <param name="Executable">supervisor-shim. A running shim that is an older file becomes this one.</param>
/// <param name="Log">Told, on any thread, what an operator should know; must not throw.</param>
/// <param name="OwnsProcess">This process is the daemon and nothing else: orphans that come to it are its own to reap.</param>
public sealed record ShimOptions(string Directory, string Executable, Action<string> Log, bool OwnsProcess)
{
    /// <summary>A container is removed, and its key is free; called on any thread.</summary>
    internal Action<string>? OnRemoved { get; init; }

    /// <summary>The host is others' too, and stays when the runtime is disposed.</summary>
    internal bool SharesHost { get; init; }
}

/// <summary>
/// Containers as children of a shim, which outlives this process, and whose death they outlive: what a dead shim leaves is
/// handed to the next.
/// </summary>
public sealed class ShimRuntime : IContainerRuntime, IShimListener
{
    internal const int CallMilliseconds = 60_000;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private readonly ShimOptions _options;
    private readonly ContainerHost _host;
    private readonly ConcurrentDictionary<string, ShimProcess> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Key, int Pid, ulong StartTime), ExitRecord> _uncollected = new();
    private readonly HashSet<ShimProcess> _listed = []; // by the shim that is talked to: the connection's thread's
    private readonly ShimConnection _connection;
    private readonly OrphanReaper? _orphans;

    /// <param name="host">For what this process itself watches; disposed with this.</param>
    public ShimRuntime(ContainerHost host, ShimOptions options)
    {
        (_host, _options) = (host, options);
        ProcessHardening.BecomeSubreaper();
        _connection = new ShimConnection(options, this);
        _connection.Begin();
        if (options.OwnsProcess) _orphans = new OrphanReaper(() => Watched);
    }

    /// <summary>
    /// The children of this process whose ends this runtime waits for: the shim's, and those that a shim's death has left.
    /// </summary>
    internal IEnumerable<int> Watched => [.. _known.Values.Select(p => p.Pid), .. ShimPid is { } shim ? (int[])[shim] : []];

    /// <summary>No shim has ever said what is in its care, so that none was ever asked for anything.</summary>
    internal bool HasNeverListed => _connection.HasNeverListed;

    /// <summary>Disposed, and its shim has ended: nothing was in its care.</summary>
    internal bool HasLeft => _connection.HasLeft;

    /// <summary>The shim's pid; null while there is none.</summary>
    public int? ShimPid => _connection.ShimPid;

    /// <inheritdoc/>
    public IContainer Create(string key, ContainerRequest request, CancellationToken deadline) =>
        Make(ShimKind.Create, key, request, m => m.Text(key).I32(CallMilliseconds).Put(request), deadline);

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
            _connection.AwaitShimsEnd();
            if (!request.OwnsBundle) throw;
            // Only the connection broke (no descriptor was left to take its answer): the shim may be at it still, and undoes it
            // when it is done.
            if (_connection.ShimLives) IgnoreErrors(() => End(key, request.Bundle, new Dictionary<string, string>(), Grace));
            // Half-made, or made and orphaned: the bundle says which cgroup it has.
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
        return [.. _known.Values.Where(p => p is { IsExec: false, HasEnded: false, Bundle: not null })
            .Select(p => new FoundContainer(
            p.Key, new ProcessIdentity(p.Pid, p.StartTime, ProcStat.BootId), p.Bundle!, p.CgroupPaths, p.Terminal, p.IsHeld))];
    }

    /// <inheritdoc/>
    public void EndExec(string key, TimeSpan timeout) => TearDown(key, "", new Dictionary<string, string>(), timeout);

    /// <summary>Ends a shim that has nothing left in its care; another stays, for the next daemon.</summary>
    public void Dispose()
    {
        if (_connection.IsStopping) return;
        if (TryLeave()) return;
        _connection.Stop();
        Release();
    }

    /// <summary>Ends the shim, and this with it, if there is nothing left in its care.</summary>
    /// <returns>False where there is, or where that cannot be known: then nothing has changed.</returns>
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

    /// <summary>Not asked twice: a shim that dies over it may have left half of the images, or all of them.</summary>
    internal void Checkpoint(ShimProcess container, CheckpointOptions options, CancellationToken deadline) =>
        _connection.Session(deadline)
            .Call(ShimKind.Checkpoint, m => m.Text(container.Key).I32(CallMilliseconds).Put(options), null, deadline);

    /// <summary>Until it is done: it bears being done twice, so the next shim is asked when one dies over it.</summary>
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
            // It had nothing in its care; the bundle may have been left without a process.
            if (bundle.Length > 0) Container.TearDown(bundle, cgroupPaths, timeout);
        }
    }

    /// <summary>What was a container's is gone.</summary>
    internal void Removed(string key)
    {
        if (key.Count('/') == 1) _options.OnRemoved?.Invoke(key);
    }

    /// <summary>
    /// Sends something that nobody waits for, in the background: a shim that does not read must not hold its caller up.
    /// </summary>
    internal void SendInBackground(ShimProcess process, ShimKind kind, Action<MessageWriter> body)
    {
        if (process.HasEnded || _connection.Current is not { } session) return;
        ThreadPool.UnsafeQueueUserWorkItem(_ => IgnoreErrors(() =>
        {
            using var deadline = new CancellationTokenSource(Grace);
            session.Ask(kind, body, [], deadline.Token).ContinueWith(t => t.Exception, TaskScheduler.Default);
        }), null);
    }

    internal void Collected(ShimProcess process)
    {
        _uncollected.TryRemove((process.Key, process.Pid, process.StartTime), out _);
        if (_connection.Current is not { } session) return;
        ThreadPool.UnsafeQueueUserWorkItem(_ => IgnoreErrors(() =>
        {
            using var deadline = new CancellationTokenSource(Grace);
            session.Tell(ShimFrame.Begin(ShimKind.Collected).Text(process.Key).I32(process.Pid).I64((long)process.StartTime),
                deadline.Token);
        }), null);
    }

    internal void LetKilledEnd(ShimProcess process, Pidfd pidfd) =>
        FrozenProcess.LetKilledEnd(process.Pid, pidfd, _host.Hierarchies);

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
            gone.Learn(exit.End, exit.OomKills);
            _known[key] = gone;
            return gone;
        }
        // Of a shim that died when we were not there either. The pidfd first, then the look: what it names now is what the start
        // time is read from.
        if (Pidfd.TryOpen(wanted.Pid) is not { } pidfd) return null;
        if (ProcStat.TryStartTime(wanted.Pid) != wanted.StartTime)
        {
            pidfd.Dispose();
            return null;
        }
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
            process.Dispose(); // the shim is dying: who asked asks again, and the next one gets it
            throw;
        }
    }

    /// <param name="containerKey">Of an exec.</param>
    private ShimProcess Spawn(
        ShimKind kind, string key, string? containerKey, string bundle, Action<MessageWriter> body,
            System.Runtime.InteropServices.SafeHandle payload, CancellationToken deadline)
    {
        var session = _connection.Session(deadline);
        ShimProcess? spawned = null;
        session.Call(kind, body, payload, deadline, late => Undo(key, bundle, late), Spawned);
        return spawned!;

        // On the reading thread, before it reads on: what is told of the process next, or the shim's death, finds it known.
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

    void IShimListener.Connected() => _listed.Clear();

    void IShimListener.Told(ShimSession session, ShimKind kind, MessageReader body, List<Fd> descriptors)
    {
        switch (kind)
        {
            case ShimKind.Listed:
                _listed.Add(Listed(body, descriptors, session.Version));
                break;
            case ShimKind.Exited:
                Exited(body.Exit());
                break;
            case ShimKind.OutOfMemory:
                if (_known.GetValueOrDefault(body.Text()) is { } thirsty) thirsty.Learn(null, (ulong)body.I64());
                break;
            case ShimKind.InputEnded:
                if (_known.GetValueOrDefault(body.Text()) is { } fed && fed.Pid == body.I32()) fed.InputEnded();
                break;
        }
    }

    void IShimListener.Listed(ShimSession session)
    {
        foreach (var process in _known.Values)
            if (!_listed.Contains(process)) GiveTo(session, process);
        _listed.Clear();
    }

    /// <summary>The shim's processes go on; what the kernel tells their parent it tells us now.</summary>
    void IShimListener.OnShimExited()
    {
        _options.Log($"the shim has ended; {_known.Values.Count(p => !p.HasEnded)} processes are watched by the daemon "
            + "itself, and a new shim is started");
        foreach (var process in _known.Values) process.WatchLocally(_host);
    }

    private ShimProcess Listed(MessageReader body, List<Fd> descriptors, int version)
    {
        var told = body.Process(descriptors, version);
        var container = body.Text();
        var exit = body.Flag() ? body.Exit() : null;
        if (_known.TryGetValue(told.Key, out var known) && (known.Pid, known.StartTime) == (told.Pid, told.StartTime))
        {
            if (told.Handles[ProcessHandover.InputPlace] is null) known.InputEnded(); // told while nobody listened
            told.Close();
        }
        else
        {
            known = new ShimProcess(this, told, container.Length == 0 ? null : container);
            _known[known.Key] = known;
        }
        if (exit is not null) known.Learn(exit.End, exit.OomKills);
        return known;
    }

    /// <summary>Kept for whoever takes the process over, if nobody holds it yet.</summary>
    private void Exited(ExitRecord exit)
    {
        if (_known.TryGetValue(exit.Key, out var known) && (known.Pid, known.StartTime) == (exit.Pid, exit.StartTime))
            known.Learn(exit.End, exit.OomKills);
        else _uncollected[(exit.Key, exit.Pid, exit.StartTime)] = exit;
    }

    /// <summary>The streams and the start of a process to a shim that is not its parent.</summary>
    private void GiveTo(ShimSession session, ShimProcess process) => process.HandOver(handover =>
    {
        using var deadline = new CancellationTokenSource(Grace);
        session.Ask(ShimKind.Adopt, m =>
            m.Put(handover, session.Version).Text(process.ContainerKey ?? ""), [.. handover.Present()], deadline.Token)
            .ContinueWith(
                t =>
                {
                    _options.Log($"{process.Key}: the shim does not take it over, its end is watched for here: "
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
            // What could not be told is told again, or is found, when the next connection is made.
        }
    }
}
