using Akka.Actor;
using Akka.Configuration;

namespace Akka.Routing;

/// <summary>In turn.</summary>
public sealed class RoundRobinPool : Pool
{
    public RoundRobinPool(Config config) : this(config.GetInt("nr-of-instances"), null, null, config.GetBoolean("use-pool-dispatcher")) { }
    public RoundRobinPool(int nrOfInstances) : this(nrOfInstances, null, null, false) { }
    private RoundRobinPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher, bool usePoolDispatcher) : base(nrOfInstances, strategy, dispatcher, usePoolDispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new RoundRobinRoutingLogic());
    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;
    public RoundRobinPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher);
    public RoundRobinPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher);
}

/// <summary>Any one.</summary>
public sealed class RandomPool : Pool
{
    public RandomPool(Config config) : this(config.GetInt("nr-of-instances"), null, null, config.GetBoolean("use-pool-dispatcher")) { }
    public RandomPool(int nrOfInstances) : this(nrOfInstances, null, null, false) { }
    private RandomPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher, bool usePoolDispatcher) : base(nrOfInstances, strategy, dispatcher, usePoolDispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new RandomLogic());
    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;
    public RandomPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher);
    public RandomPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher);
}

/// <summary>All of them.</summary>
public sealed class BroadcastPool : Pool
{
    public BroadcastPool(Config config) : this(config.GetInt("nr-of-instances"), null, null, config.GetBoolean("use-pool-dispatcher")) { }
    public BroadcastPool(int nrOfInstances) : this(nrOfInstances, null, null, false) { }
    private BroadcastPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher, bool usePoolDispatcher) : base(nrOfInstances, strategy, dispatcher, usePoolDispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new BroadcastRoutingLogic());
    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;
    public BroadcastPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher);
    public BroadcastPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher);
}

/// <summary>The one with the fewest messages waiting; an idle one first.</summary>
public sealed class SmallestMailboxPool : Pool
{
    public SmallestMailboxPool(Config config) : this(config.GetInt("nr-of-instances"), null, null, config.GetBoolean("use-pool-dispatcher")) { }
    public SmallestMailboxPool(int nrOfInstances) : this(nrOfInstances, null, null, false) { }
    private SmallestMailboxPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher, bool usePoolDispatcher) : base(nrOfInstances, strategy, dispatcher, usePoolDispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new SmallestMailboxRoutingLogic());
    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;
    public SmallestMailboxPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher);
    public SmallestMailboxPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher);
}

/// <summary>The same routee for the same key, and few moves when their number changes.</summary>
public sealed class ConsistentHashingPool : Pool
{
    private readonly ConsistentHashMapping _mapping;
    public ConsistentHashingPool(Config config) : this(config.GetInt("nr-of-instances"), null, null, config.GetBoolean("use-pool-dispatcher"), config.GetInt("virtual-nodes-factor"), null) { }
    public ConsistentHashingPool(int nrOfInstances) : this(nrOfInstances, null, null, false, 0, null) { }
    public ConsistentHashingPool(int nrOfInstances, ConsistentHashMapping hashMapping) : this(nrOfInstances, null, null, false, 0, hashMapping) { }
    private ConsistentHashingPool(int nrOfInstances, SupervisorStrategy strategy, string dispatcher, bool usePoolDispatcher, int virtualNodes, ConsistentHashMapping mapping)
        : base(nrOfInstances, strategy, dispatcher, usePoolDispatcher) => (VirtualNodesFactor, _mapping) = (virtualNodes, mapping);
    public int VirtualNodesFactor { get; }
    public override Router CreateRouter(ActorSystem system) => new(new ConsistentHashingRoutingLogic(system, VirtualNodesFactor, _mapping));
    public override int GetNrOfInstances(ActorSystem system) => NrOfInstances;
    public ConsistentHashingPool WithDispatcher(string dispatcher) => new(NrOfInstances, SupervisorStrategy, dispatcher, UsePoolDispatcher, VirtualNodesFactor, _mapping);
    public ConsistentHashingPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy, RouterDispatcher, UsePoolDispatcher, VirtualNodesFactor, _mapping);
    public ConsistentHashingPool WithHashMapping(ConsistentHashMapping mapping) => new(NrOfInstances, SupervisorStrategy, RouterDispatcher, UsePoolDispatcher, VirtualNodesFactor, mapping);
    public ConsistentHashingPool WithVirtualNodesFactor(int vnodes) => new(NrOfInstances, SupervisorStrategy, RouterDispatcher, UsePoolDispatcher, vnodes, _mapping);
}

/// <summary>The router of the deployment section with the actor's path.</summary>
public class FromConfig() : Pool(0, null, null)
{
    public static FromConfig Instance { get; } = new();
    public override Router CreateRouter(ActorSystem system) => throw new NotSupportedException("FromConfig does not create a router");
    public override int GetNrOfInstances(ActorSystem sys) => 0;
    public override void VerifyConfig(ActorPath path) => throw new ConfigurationException($"Configuration missing for router [{path}] in 'akka.actor.deployment' section.");
}
