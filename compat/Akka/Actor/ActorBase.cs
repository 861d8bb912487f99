using Akka.Event;

namespace Akka.Actor;

/// <summary>Base of all actors. One message at a time; state needs no lock.</summary>
public abstract class ActorBase
{
    private readonly ActorCell _cell;

    protected ActorBase()
    {
        _cell = ActorCell.Current ?? throw new ActorInitializationException(
            "Do not create actors using 'new', always create them using an ActorContext/System");
        _cell.Become(Receive);
    }

    protected IActorRef Self => _cell.Self;
    protected IActorRef Sender => _cell.Sender;

    /// <exception cref="NotSupportedException">Read outside the actor's own thread of execution, e.g. after ConfigureAwait(false).</exception>
    protected static IActorContext Context => ActorCell.Current ?? throw NoContext();

    internal static NotSupportedException NoContext() => new(
        "There is no active ActorContext, this is most likely due to use of async operations from within this actor.");

    protected abstract bool Receive(object message);

    protected virtual bool AroundReceive(Receive receive, object message)
    {
        var handled = receive(message);
        if (!handled) Unhandled(message);
        return handled;
    }

    internal bool InvokeAroundReceive(Receive receive, object message) => AroundReceive(receive, message);

    protected virtual void Unhandled(object message)
    {
        if (message is Terminated terminated) throw new DeathPactException(terminated.ActorRef);
        _cell.System.EventStream.Publish(new UnhandledMessage(message, Sender, Self));
    }

    protected void Become(Receive receive) => _cell.Become(receive);
    protected void BecomeStacked(Receive receive) => _cell.BecomeStacked(receive);
    protected void UnbecomeStacked() => _cell.UnbecomeStacked();
    protected void SetReceiveTimeout(TimeSpan? timeout) => _cell.SetReceiveTimeout(timeout);
    protected virtual SupervisorStrategy SupervisorStrategy() => Actor.SupervisorStrategy.DefaultStrategy;
    internal SupervisorStrategy OwnSupervisorStrategy() => SupervisorStrategy();

    protected virtual void PreStart() { }
    protected virtual void PostStop() { }

    /// <summary>Of the failed instance: stops the children and calls PostStop.</summary>
    protected virtual void PreRestart(Exception reason, object message)
    {
        foreach (var child in _cell.GetChildren().ToArray())
        {
            _cell.Unwatch(child);
            _cell.Stop(child);
        }
        PostStop();
    }

    /// <summary>Of the new instance: calls PreStart.</summary>
    protected virtual void PostRestart(Exception reason) => PreStart();
    public virtual void AroundPreStart() => PreStart();
    public virtual void AroundPostStop() => PostStop();
    public virtual void AroundPreRestart(Exception cause, object message) => PreRestart(cause, message);
    public virtual void AroundPostRestart(Exception cause, object message) => PostRestart(cause);
}
