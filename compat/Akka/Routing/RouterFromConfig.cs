using Akka.Configuration;

namespace Akka.Routing;

/// <summary>The value of "router" in a deployment section.</summary>
internal static class RouterFromConfig
{
    public static RouterConfig Parse(Config config) => config.GetString("router", "from-code") switch
    {
        "" or "from-code" => NoRouter.Instance,
        "round-robin-pool" => new RoundRobinPool(config),
        "random-pool" => new RandomPool(config),
        "broadcast-pool" => new BroadcastPool(config),
        "smallest-mailbox-pool" => new SmallestMailboxPool(config),
        "consistent-hashing-pool" => new ConsistentHashingPool(config),
        "round-robin-group" => new RoundRobinGroup(config),
        "random-group" => new RandomGroup(config),
        "broadcast-group" => new BroadcastGroup(config),
        var other => throw new ConfigurationException($"Unknown router type [{other}] in akka.actor.deployment"),
    };
}
