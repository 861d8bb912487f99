using Akka.Actor;

namespace Akka.Routing;

/// <summary>In turn.</summary>
public sealed class RoundRobinPool : Pool
{
    public RoundRobinPool(int nrOfInstances) : this(nrOfInstances, null, null) { }
    private RoundRobinPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher) : base(nrOfInstances, strategy, dispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new RoundRobinRoutingLogic());
    public RoundRobinPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher);
    public RoundRobinPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy, RouterDispatcher);
}

/// <summary>The one with the fewest messages waiting; an idle one first.</summary>
public sealed class SmallestMailboxPool : Pool
{
    public SmallestMailboxPool(int nrOfInstances) : this(nrOfInstances, null, null) { }
    private SmallestMailboxPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher) : base(nrOfInstances, strategy, dispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new SmallestMailboxRoutingLogic());
    public SmallestMailboxPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher);
    public SmallestMailboxPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy, RouterDispatcher);
}

/// <summary>The same routee for the same key, and few moves when their number changes.</summary>
public sealed class ConsistentHashingPool : Pool
{
    private readonly ConsistentHashMapping _mapping;
    public ConsistentHashingPool(int nrOfInstances) : this(nrOfInstances, null, null, null) { }
    private ConsistentHashingPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher, ConsistentHashMapping mapping)
        : base(nrOfInstances, strategy, dispatcher) => _mapping = mapping;
    public override Router CreateRouter(ActorSystem system) => new(new ConsistentHashingRoutingLogic(system, 0, _mapping));
    public ConsistentHashingPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, _mapping);
    public ConsistentHashingPool WithSupervisorStrategy(SupervisorStrategy strategy) =>
        new(NrOfInstances, strategy, RouterDispatcher, _mapping);
    public ConsistentHashingPool WithHashMapping(ConsistentHashMapping mapping) =>
        new(NrOfInstances, SupervisorStrategy, RouterDispatcher, mapping);
}
