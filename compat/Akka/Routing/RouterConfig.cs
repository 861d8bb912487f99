using Akka.Actor;

namespace Akka.Routing;

/// <summary>Makes an actor reference a router: what is told to it goes to one or more routees, on the sender's thread.</summary>
public abstract class RouterConfig : IEquatable<RouterConfig>
{
    private protected RouterConfig(string routerDispatcher = null) => RouterDispatcher = routerDispatcher;

    /// <summary>Of the router itself; the routees run on the dispatcher of their Props.</summary>
    public virtual string RouterDispatcher { get; }
    public abstract Router CreateRouter(ActorSystem system);
    public abstract ActorBase CreateRouterActor();
    public virtual bool IsManagementMessage(object message) => message is IAutoReceivedMessage or RouterManagementMessage;
    public virtual RouterConfig WithFallback(RouterConfig routerConfig) => this;

    public bool Equals(RouterConfig other) => other is not null && GetType() == other.GetType()
        && (this is NoRouter || ReferenceEquals(this, other)
            || (RouterDispatcher == other.RouterDispatcher && (this as Pool)?.NrOfInstances == (other as Pool)?.NrOfInstances));
    public override bool Equals(object obj) => Equals(obj as RouterConfig);
    public override int GetHashCode() => GetType().GetHashCode();
}

public class NoRouter : RouterConfig
{
    protected NoRouter() { }
    public static NoRouter Instance { get; } = new();
    public override string RouterDispatcher => throw new NotSupportedException("NoRouter has no dispatcher");
    public override Router CreateRouter(ActorSystem system) => throw new NotSupportedException("NoRouter does not create a router");
    public override ActorBase CreateRouterActor() => throw new NotSupportedException("NoRouter does not create a router actor");
    public override RouterConfig WithFallback(RouterConfig routerConfig) => routerConfig;
}

/// <summary>A router whose routees are its children.</summary>
public abstract class Pool : RouterConfig
{
    private protected Pool(int nrOfInstances, SupervisorStrategy supervisorStrategy, string routerDispatcher)
        : base(string.IsNullOrEmpty(routerDispatcher) ? Dispatch.Dispatchers.DefaultDispatcherId : routerDispatcher)
    {
        NrOfInstances = nrOfInstances;
        SupervisorStrategy = supervisorStrategy ?? DefaultSupervisorStrategy;
    }

    /// <summary>Failures of routees are decided on by the router's parent.</summary>
    public static SupervisorStrategy DefaultSupervisorStrategy { get; } = new OneForOneStrategy(static _ => Directive.Escalate);
    public int NrOfInstances { get; }
    public virtual SupervisorStrategy SupervisorStrategy { get; }
    public Props Props(Props routeeProps) => routeeProps.WithRouter(this);
    public override ActorBase CreateRouterActor() => new RouterPoolActor(SupervisorStrategy);
}
