namespace Akka.Actor.Internal;

public interface IChildStats;

/// <summary>A child and how often it has been restarted in the current window.</summary>
public class ChildRestartStats(IInternalActorRef child, uint maxNrOfRetriesCount = 0, long restartTimeWindowStartTicks = 0) : IChildStats
{
    public IInternalActorRef Child { get; } = child;
    public long Uid => Child.Path.Uid;
    public uint MaxNrOfRetriesCount { get; private set; } = maxNrOfRetriesCount;
    /// <summary>0 while no window is open.</summary>
    public long RestartTimeWindowStartTicks { get; private set; } = restartTimeWindowStartTicks;

    /// <param name="maxNrOfRetries">Below 0: no limit. 0: never.</param>
    /// <param name="withinTimeMilliseconds">0 or below: the window never ends.</param>
    public bool RequestRestartPermission(int maxNrOfRetries, int withinTimeMilliseconds)
    {
        if (maxNrOfRetries == 0) return false;
        if (withinTimeMilliseconds <= 0)
            return maxNrOfRetries < 0 || ++MaxNrOfRetriesCount <= maxNrOfRetries;
        // A window without a number of retries means one retry per window.
        var retries = maxNrOfRetries < 0 ? 1 : maxNrOfRetries;
        var now = TimeProvider.System.GetTimestamp();
        var inside = RestartTimeWindowStartTicks != 0
            && TimeProvider.System.GetElapsedTime(RestartTimeWindowStartTicks, now).TotalMilliseconds <= withinTimeMilliseconds;
        if (!inside)
        {
            RestartTimeWindowStartTicks = now;
            MaxNrOfRetriesCount = 1;
            return true;
        }
        return ++MaxNrOfRetriesCount <= retries;
    }
}

/// <summary>Why an actor waits for children to die.</summary>
internal enum ChildrenWait { None, Recreation, Creation, Termination }

/// <summary>The children of one actor. Written by that actor, and for the guardians by any thread; hence the lock.</summary>
internal sealed class Children : IReadOnlyCollection<ChildRestartStats>
{
    private readonly Dictionary<string, ChildRestartStats> _byName = [];
    private readonly HashSet<IActorRef> _dying = [];
    private ChildrenWait _wait;
    private Exception _recreationCause;
    private bool _closed;

    public bool IsTerminating { get { lock (_byName) return _closed || _wait == ChildrenWait.Termination; } }
    public bool IsNormal { get { lock (_byName) return !_closed && _wait == ChildrenWait.None; } }
    public ChildRestartStats[] Stats { get { lock (_byName) return [.. _byName.Values.Where(s => s is not null)]; } }
    public int Count { get { lock (_byName) return _byName.Count; } }
    public IEnumerator<ChildRestartStats> GetEnumerator() => ((IEnumerable<ChildRestartStats>)Stats).GetEnumerator();
    global::System.Collections.IEnumerator global::System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    public void Reserve(string name, ActorPath parent)
    {
        lock (_byName)
        {
            if (_closed || _wait == ChildrenWait.Termination)
                throw new InvalidOperationException($"Cannot create child while terminating or terminated: {parent}/{name}");
            if (!_byName.TryAdd(name, null)) throw new InvalidActorNameException($"Actor name \"{name}\" is not unique!");
        }
    }

    public void Unreserve(string name) { lock (_byName) if (_byName.TryGetValue(name, out var stats) && stats is null) _byName.Remove(name); }

    public void Add(IInternalActorRef child) { lock (_byName) _byName[child.Path.Name] = new ChildRestartStats(child); }

    public bool TryGet(string name, out ChildRestartStats stats) { lock (_byName) return _byName.TryGetValue(name, out stats) && stats is not null; }

    public bool TryGet(IActorRef child, out ChildRestartStats stats) => TryGet(child.Path.Name, out stats) && stats.Child.Equals(child);

    public void ShallDie(IActorRef child) { lock (_byName) if (_byName.TryGetValue(child.Path.Name, out var s) && s is not null && s.Child.Equals(child)) _dying.Add(child); }

    /// <returns>False when no child is dying, so that there is nothing to wait for.</returns>
    public bool WaitFor(ChildrenWait reason, Exception cause = null)
    {
        lock (_byName)
        {
            if (_dying.Count == 0) return false;
            _wait = reason;
            _recreationCause = cause;
            return true;
        }
    }

    public void Close() { lock (_byName) _closed = true; }

    /// <returns>The wait that ended with this child, if any.</returns>
    public (ChildrenWait, Exception) Remove(IActorRef child)
    {
        lock (_byName)
        {
            if (_byName.TryGetValue(child.Path.Name, out var stats) && stats is not null && stats.Child.Equals(child)) _byName.Remove(child.Path.Name);
            _dying.Remove(child);
            if (_dying.Count > 0 || _wait == ChildrenWait.None) return default;
            var ended = (_wait, _recreationCause);
            if (_wait == ChildrenWait.Termination) _closed = true;
            (_wait, _recreationCause) = (ChildrenWait.None, null);
            return ended;
        }
    }
}
