using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch;

namespace Akka.Routing;

/// <summary>The reference of a router. Only management messages go through its mailbox.</summary>
internal sealed class RoutedActorRef : LocalActorRef
{
    private readonly Lock _lock = new();
    private readonly Props _routeeProps;
    private volatile Router _router;

    public RoutedActorRef(ActorSystemImpl system, Props routerProps, Props routeeProps, MessageDispatcher dispatcher, MailboxType mailboxType, IInternalActorRef supervisor, ActorPath path)
        : base(system, routerProps, dispatcher, mailboxType, supervisor, path)
    {
        _routeeProps = routeeProps;
        Config = routeeProps.RouterConfig;
        _router = Config.CreateRouter(system);
        // Here, not in the router actor: whoever has the reference may use it at once.
        Grow(((Pool)Config).NrOfInstances);
    }

    public RouterConfig Config { get; }
    public Router Router => _router;

    public void Grow(int count)
    {
        for (; count > 0; count--)
            Change(r => r.AddRoutee(Cell.AttachChild(_routeeProps.WithRouter(NoRouter.Instance), isSystemService: false)));
    }

    public void Change(Func<Router, Router> change)
    {
        lock (_lock) _router = change(_router);
    }

    protected override void TellInternal(object message, IActorRef sender)
    {
        if (Config.IsManagementMessage(message)) base.TellInternal(message, sender);
        else _router.Route(message, sender);
    }
}

internal sealed class RouterPoolActor(SupervisorStrategy strategy) : ActorBase
{
    private RoutedActorRef Router => (RoutedActorRef)Self;
    protected override SupervisorStrategy SupervisorStrategy() => strategy;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case GetRoutees:
                Sender.Tell(new Routees(Router.Router.Routees));
                return true;
            case AddRoutee add:
                Router.Change(r => r.AddRoutee(add.Routee));
                Watch(add.Routee);
                return true;
            case RemoveRoutee remove:
                Remove(remove.Routee);
                return true;
            case AdjustPoolSize adjust:
                Adjust(adjust.Change);
                return true;
            case Terminated terminated:
                Router.Change(r => r.RemoveRoutee(terminated.ActorRef));
                StopWhenEmpty();
                return true;
            default:
                return false;
        }
    }

    private void Remove(Routee routee)
    {
        Router.Change(r => r.RemoveRoutee(routee));
        if (routee is ActorRefRoutee { Actor: { } actor })
        {
            Context.Unwatch(actor);
            // A pill, so that what the routee has been given already is still handled.
            if (Context.Child(actor.Path.Name).Equals(actor)) actor.Tell(PoisonPill.Instance, ActorRefs.NoSender);
        }
        StopWhenEmpty();
    }

    private void Adjust(int change)
    {
        foreach (var routee in Router.Router.Routees.TakeLast(-change).ToArray()) Remove(routee);
        var before = Router.Router.Routees.ToHashSet();
        Router.Grow(change);
        foreach (var routee in Router.Router.Routees.Where(r => !before.Contains(r))) Watch(routee);
    }

    private static void Watch(Routee routee)
    {
        if (routee is ActorRefRoutee { Actor: { } actor }) Context.Watch(actor);
    }

    private void StopWhenEmpty()
    {
        if (!Router.Router.Routees.Any()) Context.Stop(Self);
    }

    protected override void PreStart()
    {
        foreach (var routee in Router.Router.Routees) Watch(routee);
    }

    // The routees are restarted with the router, not made anew.
    protected override void PreRestart(Exception reason, object message) { }
}
