using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Routing;

public abstract class RoutingLogic : INoSerializationVerificationNeeded
{
    public abstract Routee Select(object message, Routee[] routees);
}

/// <summary>A logic with its routees. Immutable.</summary>
public class Router
{
    private readonly Routee[] _routees;

    public Router(RoutingLogic logic, params Routee[] routees)
    {
        RoutingLogic = logic;
        _routees = routees;
    }

    public RoutingLogic RoutingLogic { get; }
    public IEnumerable<Routee> Routees => _routees;

    public virtual void Route(object message, IActorRef sender)
    {
        if (message is Broadcast broadcast)
        {
            foreach (var routee in _routees) Send(routee, broadcast.Message, sender);
            return;
        }
        Send(RoutingLogic.Select(message, _routees), message, sender);
    }

    protected virtual void Send(Routee routee, object message, IActorRef sender) => routee.Send(UnWrap(message), sender);
    protected object UnWrap(object message) => message is RouterEnvelope envelope ? envelope.Message : message;
    public virtual Router WithRoutees(params Routee[] routees) => new(RoutingLogic, routees);
    public virtual Router AddRoutee(Routee routee) => WithRoutees([.. _routees, routee]);
    public Router AddRoutee(IActorRef routee) => AddRoutee(new ActorRefRoutee(routee));
    public virtual Router RemoveRoutee(Routee routee) => WithRoutees([.. _routees.Where(r => !r.Equals(routee))]);
    public Router RemoveRoutee(IActorRef routee) => RemoveRoutee(new ActorRefRoutee(routee));
}

public sealed class RoundRobinRoutingLogic(int next) : RoutingLogic
{
    private int _next = next;
    public RoundRobinRoutingLogic() : this(-1) { }
    public override Routee Select(object message, Routee[] routees) =>
        routees.Length == 0 ? Routee.NoRoutee : routees[(int)((uint)Interlocked.Increment(ref _next) % (uint)routees.Length)];
}

public sealed class SmallestMailboxRoutingLogic(int next) : RoutingLogic
{
    private int _next = next;
    public SmallestMailboxRoutingLogic() : this(-1) { }

    public override Routee Select(object message, Routee[] routees)
    {
        if (routees.Length == 0) return Routee.NoRoutee;
        // Equal ones get their turn in rotation.
        var start = (int)((uint)Interlocked.Increment(ref _next) % (uint)routees.Length);
        var best = routees[start];
        var least = int.MaxValue;
        for (var i = 0; i < routees.Length && least > 0; i++)
        {
            var routee = routees[(start + i) % routees.Length];
            var load = Load(routee);
            if (load < least) (best, least) = (routee, load);
        }
        return best;
    }

    private static int Load(Routee routee)
    {
        if (routee is not ActorRefRoutee { Actor: LocalActorRef { Cell: { } cell } }) return int.MaxValue - 1;
        if (cell.IsTerminated) return int.MaxValue - 2;
        return 2 * cell.NumberOfMessages + (cell.Mailbox.IsSuspended ? 1_000_000 : 0) + (cell.CurrentMessage is null ? 0 : 1);
    }
}

public delegate object ConsistentHashMapping(object msg);

public interface IConsistentHashable
{
    object ConsistentHashKey { get; }
}

public sealed class ConsistentHashableEnvelope(object message, object hashKey) : RouterEnvelope(message), IConsistentHashable
{
    public object HashKey { get; } = hashKey;
    public object ConsistentHashKey => HashKey;
}

public sealed class ConsistentHashingRoutingLogic(ActorSystem system, int virtualNodesFactor, ConsistentHashMapping hashMapping) : RoutingLogic
{
    private const int DefaultVirtualNodes = 10;
    private (Routee[] Routees, ImmutableArray<(uint Hash, Routee Routee)> Ring) _ring = ([], []);
    private readonly Lock _lock = new();

    public override Routee Select(object message, Routee[] routees)
    {
        if (message is null || routees.Length == 0) return Routee.NoRoutee;
        var key = hashMapping?.Invoke(message) ?? (message as IConsistentHashable)?.ConsistentHashKey;
        if (key is null)
        {
            system.Log.Log(Event.LogLevel.WarningLevel, null, $"Message [{message.GetType().Name}] must be handled by hashMapping, or implement [IConsistentHashable] or be wrapped in [ConsistentHashableEnvelope]");
            return Routee.NoRoutee;
        }
        var ring = RingOf(routees);
        var hash = Hash(key.ToString());
        int low = 0, high = ring.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ring[middle].Hash < hash) low = middle + 1;
            else high = middle;
        }
        return ring[low % ring.Length].Routee;
    }

    private ImmutableArray<(uint Hash, Routee Routee)> RingOf(Routee[] routees)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_ring.Routees, routees))
                _ring = (routees, [.. routees.SelectMany(r => Enumerable.Range(0, virtualNodesFactor > 0 ? virtualNodesFactor : DefaultVirtualNodes)
                    .Select(i => (Hash(Name(r) + ":" + i), r))).OrderBy(n => n.Item1)]);
            return _ring.Ring;
        }
    }

    private static string Name(Routee routee) => routee is ActorRefRoutee { Actor: { } actor } ? actor.Path.ToString() : routee.ToString();

    // FNV-1a with a final mix: the same in every process.
    private static uint Hash(string text)
    {
        var hash = 2166136261u;
        foreach (var c in text) hash = (hash ^ c) * 16777619u;
        hash ^= hash >> 16;
        hash *= 0x85EBCA6Bu;
        return hash ^ (hash >> 13);
    }
}
