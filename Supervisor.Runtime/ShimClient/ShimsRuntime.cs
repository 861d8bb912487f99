using System.Collections.Concurrent;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// Containers in the care of several shims: each in one of its own, with its execs, or all new ones in the node's. Whatever
/// a former daemon has left in the care of the others is found, served and, when it is gone, ended with its shim.
/// </summary>
public sealed class ShimsRuntime : IContainerRuntime
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(10);
    private readonly ContainerHost _host;
    private readonly ShimOptions _options;
    private readonly ShimDirectories _directories;
    private readonly bool _perContainer;
    private readonly ConcurrentDictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly OrphanReaper? _orphans;
    private readonly Timer _again;
    private volatile bool _stopping;

    /// <summary>A directory with a shim. Whoever needs it rents it: it goes when nobody does, and it is no longer wanted.</summary>
    private sealed class Place(string directory)
    {
        public readonly Lock Gate = new();
        public ShimRuntime? Runtime;
        public int Tenants;
        public bool Unwanted, Gone;

        public string Directory => directory;
    }

    private ShimsRuntime(ContainerHost host, ShimOptions options, ShimDirectories directories, bool perContainer)
    {
        (_host, _options, _directories, _perContainer) = (host, options, directories, perContainer);
        _again = new Timer(_ => Sweep(), null, Timeout.Infinite, Timeout.Infinite);
        foreach (var directory in directories.OfContainers())
        {
            if (ShimDirectories.IsInUse(directory)) Return(Rent(directory, wanted: true)!);
            else directories.Remove(directory); // of a shim that never came to be, or whose containers are looked for by their processes
        }
        if (!perContainer || ShimDirectories.IsInUse(directories.Node)) Return(Rent(directories.Node, wanted: true)!);
        if (options.OwnsProcess) _orphans = new OrphanReaper(() => Runtimes.SelectMany(r => r.Watched));
    }

    /// <summary>Finds the shims that are there.</summary>
    /// <param name="host">For what this process itself watches; disposed with the runtime.</param>
    /// <param name="options">With the daemon's state directory as its directory.</param>
    /// <param name="perContainer">Whether each new container gets a shim of its own.</param>
    public static IContainerRuntime Start(ContainerHost host, ShimOptions options, bool perContainer)
    {
        ArgumentNullException.ThrowIfNull(options);
        var directories = new ShimDirectories(options.Directory);
        if (perContainer || directories.AnyOfContainers) return new ShimsRuntime(host, options, directories, perContainer);
        directories.Make(directories.Node);
        return new ShimRuntime(host, options with { Directory = directories.Node });
    }

    /// <summary>Whether a shim serves below a daemon's state directory, or has left an exit there that nobody has collected.</summary>
    public static bool AnyInUse(string state)
    {
        var directories = new ShimDirectories(state);
        return directories.OfContainers().Append(directories.Node).Any(ShimDirectories.IsInUse);
    }

    private IEnumerable<ShimRuntime> Runtimes => _places.Values.Select(p => p.Runtime).OfType<ShimRuntime>();

    /// <inheritdoc/>
    public IContainer Create(string key, ContainerRequest request, CancellationToken deadline) => Make(key, request, r => r.Create(key, request, deadline));

    /// <inheritdoc/>
    public IContainer Restore(string key, ContainerRequest request, CheckpointOptions options, CancellationToken deadline) =>
        Make(key, request, r => r.Restore(key, request, options, deadline));

    /// <inheritdoc/>
    public IContainer? TryAdopt(string key, string bundle, ProcessIdentity init, IReadOnlyDictionary<string, string> cgroupPaths, CancellationToken deadline) =>
        Adopt(key, init, r => r.TryAdopt(key, bundle, init, cgroupPaths, deadline), deadline);

    /// <inheritdoc/>
    public IContainerProcess? TryAdoptExec(string key, ProcessIdentity process, CancellationToken deadline) =>
        Adopt(key, process, r => r.TryAdoptExec(key, process, deadline), deadline);

    /// <inheritdoc/>
    public void TearDown(string key, string bundle, IReadOnlyDictionary<string, string> cgroupPaths, TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout);
        if (RentFor(key, deadline.Token) is { } place) With(place, r => r.TearDown(key, bundle, cgroupPaths, timeout));
        else if (bundle.Length > 0) Container.TearDown(bundle, cgroupPaths, timeout, _host.OnError);
    }

    /// <inheritdoc/>
    public void EndExec(string key, TimeSpan timeout) => TearDown(key, "", new Dictionary<string, string>(), timeout);

    /// <summary>Of all shims that answer; the others' are looked for at the next start. A shim without any is ended.</summary>
    /// <inheritdoc/>
    public IReadOnlyCollection<string> Keys(CancellationToken deadline)
    {
        var keys = new List<string>();
        foreach (var directory in _places.Keys)
        {
            if (Rent(directory, wanted: false) is not { } place) continue;
            try
            {
                var those = place.Runtime!.Keys(deadline);
                keys.AddRange(those);
                if (those.Count == 0) NoLongerWanted(place);
            }
            catch (OperationCanceledException)
            {
                _options.Log($"the shim in {directory} does not answer: what it has in its care and nobody owns is looked for at the next start");
            }
            finally
            {
                Return(place);
            }
        }
        return keys;
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<FoundContainer> Found(CancellationToken deadline)
    {
        var found = new List<FoundContainer>();
        foreach (var directory in _places.Keys)
            if (Rent(directory, wanted: false) is { } place) found.AddRange(With(place, r => r.Found(deadline)));
        return found;
    }

    /// <summary>Ends the shims that have nothing left in their care; the others stay, for the next daemon.</summary>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        _again.Dispose();
        _orphans?.Dispose();
        Parallel.ForEach(_places.Values, new ParallelOptions { MaxDegreeOfParallelism = 16 }, place =>
        {
            lock (place.Gate)
            {
                if (place.Gone || place.Runtime is not { } runtime) return;
                runtime.Dispose();
                if (runtime.HasLeft) Remove(place);
            }
        });
        _host.Dispose();
    }

    private IContainer Make(string key, ContainerRequest request, Func<ShimRuntime, IContainer> make)
    {
        var place = Rent(_perContainer ? _directories.Of(key) : _directories.Node, wanted: true)!;
        try
        {
            var container = make(place.Runtime!);
            return container;
        }
        catch
        {
            place.Unwanted = _perContainer;
            throw;
        }
        finally
        {
            Return(place);
        }
    }

    private T? Adopt<T>(string key, ProcessIdentity process, Func<ShimRuntime, T?> adopt, CancellationToken deadline) where T : class
    {
        var place = RentFor(key, deadline);
        if (place is null)
        {
            // Left by a shim that is gone, or by a daemon without one: worth a shim only if it is still there.
            if (process.BootId != ProcStat.BootId || ProcStat.TryStartTime(process.Pid) != process.StartTime) return null;
            place = Rent(_directories.Of(key), wanted: true)!;
        }
        return With(place, adopt);
    }

    /// <summary>The shim that has a process of this key, or should; null where there is none.</summary>
    private Place? RentFor(string key, CancellationToken deadline)
    {
        var (own, node) = (Rent(_directories.Of(key), wanted: false), Rent(_directories.Node, wanted: false));
        Place? chosen = null;
        try
        {
            if (own is not null && (node is null || Knows(own))) chosen = own;
            else if (node is not null && (!_perContainer || Knows(node))) chosen = node;
            else chosen = own;
            return chosen;
        }
        finally
        {
            foreach (var place in (Place?[])[own, node])
                if (place is not null && place != chosen) Return(place);
        }

        bool Knows(Place place) => place.Runtime!.Keys(deadline).Contains(key);
    }

    private T With<T>(Place place, Func<ShimRuntime, T> what)
    {
        try
        {
            return what(place.Runtime!);
        }
        finally
        {
            Return(place);
        }
    }

    private void With(Place place, Action<ShimRuntime> what) => With(place, r =>
    {
        what(r);
        return true;
    });

    /// <param name="wanted">Begun if there is none; else null where there is none.</param>
    private Place? Rent(string directory, bool wanted)
    {
        while (true)
        {
            if (!_places.TryGetValue(directory, out var place))
            {
                if (!wanted) return null;
                ObjectDisposedException.ThrowIf(_stopping, this);
                place = _places.GetOrAdd(directory, d => new Place(d));
            }
            lock (place.Gate)
            {
                if (place.Gone) continue; // it has gone since we have found it
                if (place.Runtime is null)
                {
                    if (!wanted) return null;
                    _directories.Make(directory);
                    place.Runtime = new ShimRuntime(_host, _options with { Directory = directory, OwnsProcess = false, SharesHost = true, OnRemoved = _ => NoLongerWanted(place) });
                }
                if (wanted) place.Unwanted = false;
                place.Tenants++;
                return place;
            }
        }
    }

    private void Return(Place place)
    {
        lock (place.Gate)
        {
            place.Tenants--;
            EndIfUnwanted(place);
        }
    }

    private void NoLongerWanted(Place place)
    {
        if (!_perContainer && place.Directory == _directories.Node) return; // the next container's
        lock (place.Gate)
        {
            place.Unwanted = true;
            EndIfUnwanted(place);
        }
    }

    /// <summary>Under the gate: who comes for the same container waits, and begins anew.</summary>
    private void EndIfUnwanted(Place place)
    {
        if (_stopping || place.Gone || !place.Unwanted || place.Tenants > 0) return;
        if (place.Runtime is { } runtime)
        {
            if (runtime.HasNeverListed) runtime.Dispose(); // so nothing was ever asked of it
            else if (!runtime.TryLeave())
            {
                if (place.Directory != _directories.Node) _again.Change(AskAgain, Timeout.InfiniteTimeSpan); // something of it is being made or ended
                return;
            }
        }
        Remove(place);
    }

    private void Remove(Place place)
    {
        place.Gone = true;
        _places.TryRemove(new KeyValuePair<string, Place>(place.Directory, place));
        try
        {
            _directories.Remove(place.Directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _options.Log($"{place.Directory}: {e.Message}: it is removed at the next start");
        }
    }

    private void Sweep()
    {
        foreach (var place in _places.Values)
        {
            lock (place.Gate) EndIfUnwanted(place);
        }
    }
}
