using System.Collections.Concurrent;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// Containers of several shims: each new one, with its execs, has a shim of its own, or all share the node's. Shims of an
/// earlier daemon, in either mode, are found and served; each is stopped when it has no containers left.
/// </summary>
public sealed class ShimPool : IContainerRuntime
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(10);
    private readonly ContainerHost _host;
    private readonly ShimOptions _options;
    private readonly ShimDirectories _directories;
    private readonly bool _perContainer;
    private readonly ConcurrentDictionary<string, Slot> _slots = new(StringComparer.Ordinal);
    private readonly OrphanReaper? _orphans;
    private readonly Timer _retryTimer;
    private volatile bool _stopping;

    /// <summary>A directory with a shim, reference-counted: it is removed when it is draining and the count is 0.</summary>
    private sealed class Slot(string directory)
    {
        public readonly Lock Gate = new();
        public ShimRuntime? Runtime;
        public int RefCount;
        public bool Draining, Removed;

        public string Directory => directory;
    }

    private ShimPool(ContainerHost host, ShimOptions options, ShimDirectories directories, bool perContainer)
    {
        (_host, _options, _directories, _perContainer) = (host, options, directories, perContainer);
        _retryTimer = new Timer(_ => Sweep(), null, Timeout.Infinite, Timeout.Infinite);
        foreach (var directory in directories.OfContainers())
        {
            if (ShimDirectories.IsInUse(directory)) Release(Acquire(directory, wanted: true)!);
            // its shim never started, or is gone: its containers are found by their processes
            else directories.Remove(directory);
        }
        if (!perContainer || ShimDirectories.IsInUse(directories.Node)) Release(Acquire(directories.Node, wanted: true)!);
        if (options.OwnsProcess) _orphans = new OrphanReaper(() => Runtimes.SelectMany(r => r.Watched));
    }

    /// <summary>Finds the running shims.</summary>
    /// <param name="host">For what this process itself watches; disposed with the runtime.</param>
    /// <param name="options">With the daemon's state directory as its directory.</param>
    /// <param name="perContainer">Whether each new container gets a shim of its own.</param>
    public static IContainerRuntime Start(ContainerHost host, ShimOptions options, bool perContainer)
    {
        ArgumentNullException.ThrowIfNull(options);
        var directories = new ShimDirectories(options.Directory);
        if (perContainer || directories.AnyOfContainers) return new ShimPool(host, options, directories, perContainer);
        directories.Make(directories.Node);
        return new ShimRuntime(host, options with { Directory = directories.Node });
    }

    /// <summary>
    /// Whether a shim serves below a daemon's state directory, or has left an exit there that is not collected.
    /// </summary>
    public static bool AnyInUse(string state)
    {
        var directories = new ShimDirectories(state);
        return directories.OfContainers().Append(directories.Node).Any(ShimDirectories.IsInUse);
    }

    private IEnumerable<ShimRuntime> Runtimes => _slots.Values.Select(p => p.Runtime).OfType<ShimRuntime>();

    /// <inheritdoc/>
    public IContainer Create(string key, ContainerRequest request, CancellationToken deadline) =>
        Make(key, request, r => r.Create(key, request, deadline));

    /// <inheritdoc/>
    public IContainer Restore(string key, ContainerRequest request, CheckpointOptions options, CancellationToken deadline) =>
        Make(key, request, r => r.Restore(key, request, options, deadline));

    /// <inheritdoc/>
    public IContainer? TryAdopt(
        string key, string bundle, ProcessIdentity init, IReadOnlyDictionary<string, string> cgroupPaths,
        CancellationToken deadline) =>
        Adopt(key, init, r => r.TryAdopt(key, bundle, init, cgroupPaths, deadline), deadline);

    /// <inheritdoc/>
    public IContainerProcess? TryAdoptExec(string key, ProcessIdentity process, CancellationToken deadline) =>
        Adopt(key, process, r => r.TryAdoptExec(key, process, deadline), deadline);

    /// <inheritdoc/>
    public void TearDown(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout);
        if (AcquireFor(key, deadline.Token) is { } slot) With(slot, r => r.TearDown(key, bundle, cgroupPaths, timeout));
        else if (bundle.Length > 0) Container.TearDown(bundle, cgroupPaths, timeout, _host.OnError);
    }

    /// <inheritdoc/>
    public void EndExec(string key, TimeSpan timeout) => TearDown(key, "", new Dictionary<string, string>(), timeout);

    /// <summary>Of all shims that answer; the others' are found at the next start. A shim without any is stopped.</summary>
    /// <inheritdoc/>
    public IReadOnlyCollection<string> Keys(CancellationToken deadline)
    {
        var keys = new List<string>();
        foreach (var directory in _slots.Keys)
        {
            if (Acquire(directory, wanted: false) is not { } slot) continue;
            try
            {
                var those = slot.Runtime!.Keys(deadline);
                keys.AddRange(those);
                if (those.Count == 0) Drain(slot);
            }
            catch (OperationCanceledException)
            {
                _options.Log($"the shim in {directory} does not answer: its orphaned processes are cleaned up at the next start");
            }
            finally
            {
                Release(slot);
            }
        }
        return keys;
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<FoundContainer> Found(CancellationToken deadline)
    {
        var found = new List<FoundContainer>();
        foreach (var directory in _slots.Keys)
            if (Acquire(directory, wanted: false) is { } slot) found.AddRange(With(slot, r => r.Found(deadline)));
        return found;
    }

    /// <summary>Stops the shims that have no processes left; the others keep running for the next daemon.</summary>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        _retryTimer.Dispose();
        _orphans?.Dispose();
        Parallel.ForEach(_slots.Values, new ParallelOptions { MaxDegreeOfParallelism = 16 }, slot =>
        {
            lock (slot.Gate)
            {
                if (slot.Removed || slot.Runtime is not { } runtime) return;
                runtime.Dispose();
                if (runtime.HasLeft) Remove(slot);
            }
        });
        _host.Dispose();
    }

    private IContainer Make(string key, ContainerRequest request, Func<ShimRuntime, IContainer> make)
    {
        var slot = Acquire(_perContainer ? _directories.Of(key) : _directories.Node, wanted: true)!;
        try
        {
            var container = make(slot.Runtime!);
            return container;
        }
        catch
        {
            slot.Draining = _perContainer;
            throw;
        }
        finally
        {
            Release(slot);
        }
    }

    private T? Adopt<T>(string key, ProcessIdentity process, Func<ShimRuntime, T?> adopt, CancellationToken deadline) where T
        : class
    {
        var slot = AcquireFor(key, deadline);
        if (slot is null)
        {
            // Its shim is gone, or its daemon had none: start a shim only if the process is still alive.
            if (process.BootId != ProcStat.BootId || ProcStat.TryStartTime(process.Pid) != process.StartTime) return null;
            slot = Acquire(_directories.Of(key), wanted: true)!;
        }
        return With(slot, adopt);
    }

    /// <summary>The slot of the shim that has, or should have, the process of this key; null where there is none.</summary>
    private Slot? AcquireFor(string key, CancellationToken deadline)
    {
        var (own, node) = (Acquire(_directories.Of(key), wanted: false), Acquire(_directories.Node, wanted: false));
        Slot? chosen = null;
        try
        {
            if (own is not null && (node is null || Knows(own))) chosen = own;
            else if (node is not null && (!_perContainer || Knows(node))) chosen = node;
            else chosen = own;
            return chosen;
        }
        finally
        {
            foreach (var slot in (Slot?[])[own, node])
                if (slot is not null && slot != chosen) Release(slot);
        }

        bool Knows(Slot slot) => slot.Runtime!.Keys(deadline).Contains(key);
    }

    private T With<T>(Slot slot, Func<ShimRuntime, T> what)
    {
        try
        {
            return what(slot.Runtime!);
        }
        finally
        {
            Release(slot);
        }
    }

    private void With(Slot slot, Action<ShimRuntime> what) => With(slot, r =>
    {
        what(r);
        return true;
    });

    /// <param name="wanted">Starts a shim if there is none; otherwise the result is null then.</param>
    private Slot? Acquire(string directory, bool wanted)
    {
        while (true)
        {
            if (!_slots.TryGetValue(directory, out var slot))
            {
                if (!wanted) return null;
                ObjectDisposedException.ThrowIf(_stopping, this);
                slot = _slots.GetOrAdd(directory, d => new Slot(d));
            }
            lock (slot.Gate)
            {
                if (slot.Removed) continue; // it was removed since we found it
                if (slot.Runtime is null)
                {
                    if (!wanted) return null;
                    _directories.Make(directory);
                    slot.Runtime = new ShimRuntime(
                        _host, _options with {
                        Directory = directory, OwnsProcess = false, SharesHost = true, OnRemoved = _ => Drain(slot) });
                }
                if (wanted) slot.Draining = false;
                slot.RefCount++;
                return slot;
            }
        }
    }

    private void Release(Slot slot)
    {
        lock (slot.Gate)
        {
            slot.RefCount--;
            RemoveIfDrained(slot);
        }
    }

    private void Drain(Slot slot)
    {
        if (!_perContainer && slot.Directory == _directories.Node) return; // kept for the next container
        lock (slot.Gate)
        {
            slot.Draining = true;
            RemoveIfDrained(slot);
        }
    }

    /// <summary>Called under the gate: a caller for the same container waits, then retries with a new slot.</summary>
    private void RemoveIfDrained(Slot slot)
    {
        if (_stopping || slot.Removed || !slot.Draining || slot.RefCount > 0) return;
        if (slot.Runtime is { } runtime)
        {
            if (runtime.HasNeverListed) runtime.Dispose(); // no request was ever sent
            else if (!runtime.TryLeave())
            {
                // one of its processes is being created or removed
                if (slot.Directory != _directories.Node) _retryTimer.Change(RetryInterval, Timeout.InfiniteTimeSpan);
                return;
            }
        }
        Remove(slot);
    }

    private void Remove(Slot slot)
    {
        slot.Removed = true;
        _slots.TryRemove(new KeyValuePair<string, Slot>(slot.Directory, slot));
        try
        {
            _directories.Remove(slot.Directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _options.Log($"cannot remove the shim's directory {slot.Directory}: {e.Message}; trying again at the next start");
        }
    }

    private void Sweep()
    {
        foreach (var slot in _slots.Values)
        {
            lock (slot.Gate) RemoveIfDrained(slot);
        }
    }
}
