using Akka.Actor;
using Akka.Configuration;

namespace Akka.Routing;

public sealed class RoundRobinGroup : Group
{
    public RoundRobinGroup(Config config) : this(config.GetStringList("routees.paths")) { }
    public RoundRobinGroup(params string[] paths) : this(paths, null) { }
    public RoundRobinGroup(IEnumerable<string> paths) : this(paths, null) { }
    public RoundRobinGroup(IEnumerable<string> paths, string routerDispatcher) : base(paths, routerDispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new RoundRobinRoutingLogic());
    public override IEnumerable<string> GetPaths(ActorSystem system) => InternalPaths;
}

public sealed class BroadcastGroup : Group
{
    public BroadcastGroup(Config config) : this(config.GetStringList("routees.paths")) { }
    public BroadcastGroup(params string[] paths) : this(paths, null) { }
    public BroadcastGroup(IEnumerable<string> paths) : this(paths, null) { }
    public BroadcastGroup(IEnumerable<string> paths, string routerDispatcher) : base(paths, routerDispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new BroadcastRoutingLogic());
    public override IEnumerable<string> GetPaths(ActorSystem system) => InternalPaths;
}

public sealed class RandomGroup : Group
{
    public RandomGroup(Config config) : this(config.GetStringList("routees.paths")) { }
    public RandomGroup(params string[] paths) : this(paths, null) { }
    public RandomGroup(IEnumerable<string> paths) : this(paths, null) { }
    public RandomGroup(IEnumerable<string> paths, string routerDispatcher) : base(paths, routerDispatcher) { }
    public override Router CreateRouter(ActorSystem system) => new(new RandomLogic());
    public override IEnumerable<string> GetPaths(ActorSystem system) => InternalPaths;
}
