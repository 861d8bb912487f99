using Akka.Actor;

namespace Akka.Routing;

public class Routee
{
    public static readonly Routee NoRoutee = new();
    public virtual void Send(object message, IActorRef sender) { }
    public virtual Task<object> Ask(object message, TimeSpan? timeout) => null;
    public static Routee FromActorRef(IActorRef actorRef) => new ActorRefRoutee(actorRef);
}

public class ActorRefRoutee(IActorRef actor) : Routee
{
    public IActorRef Actor { get; } = actor;
    public override void Send(object message, IActorRef sender) => Actor.Tell(message, sender);
    public override Task<object> Ask(object message, TimeSpan? timeout) => Actor.Ask(message, timeout);
    public override bool Equals(object obj) => obj is ActorRefRoutee other && Actor.Equals(other.Actor);
    public override int GetHashCode() => Actor.GetHashCode();
}

public class ActorSelectionRoutee(ActorSelection actor) : Routee
{
    public ActorSelection Selection { get; } = actor;
    public override void Send(object message, IActorRef sender) => Selection.Tell(message, sender);
    public override Task<object> Ask(object message, TimeSpan? timeout) => Selection.Ask(message, timeout);
    public override bool Equals(object obj) => obj is ActorSelectionRoutee other && Selection.Equals(other.Selection);
    public override int GetHashCode() => Selection.GetHashCode();
}

public class SeveralRoutees(Routee[] routees) : Routee
{
    public override void Send(object message, IActorRef sender)
    {
        foreach (var routee in routees) routee.Send(message, sender);
    }
}

public class RouterEnvelope(object message)
{
    public object Message { get; } = message;
}

/// <summary>Goes to all routees, whatever the router's logic.</summary>
public class Broadcast(object message) : RouterEnvelope(message);

public abstract class RouterManagementMessage;

public sealed class GetRoutees : RouterManagementMessage
{
    public static GetRoutees Instance { get; } = new();
}

public static class RouterMessage
{
    public static readonly GetRoutees GetRoutees = GetRoutees.Instance;
}

/// <summary>The answer to <see cref="GetRoutees"/>.</summary>
public sealed class Routees(IEnumerable<Routee> routees)
{
    public IEnumerable<Routee> Members { get; } = [.. routees];
}

public sealed class AddRoutee(Routee routee) : RouterManagementMessage
{
    public Routee Routee { get; } = routee;
}

/// <summary>A child of the router is stopped as well.</summary>
public sealed class RemoveRoutee(Routee routee) : RouterManagementMessage
{
    public Routee Routee { get; } = routee;
}

public sealed class AdjustPoolSize(int change) : RouterManagementMessage
{
    public int Change { get; } = change;
}
