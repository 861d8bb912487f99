using Akka.Actor;

namespace Akka.Routing;

public class Routee
{
    public static readonly Routee NoRoutee = new();
    public virtual void Send(object message, IActorRef sender) { }
}

public class ActorRefRoutee(IActorRef actor) : Routee
{
    public IActorRef Actor { get; } = actor;
    public override void Send(object message, IActorRef sender) => Actor.Tell(message, sender);
    public override bool Equals(object obj) => obj is ActorRefRoutee other && Actor.Equals(other.Actor);
    public override int GetHashCode() => Actor.GetHashCode();
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
