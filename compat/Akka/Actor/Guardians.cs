using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

/// <summary>/user: parent of all actors made with <see cref="ActorSystem.ActorOf"/>.</summary>
public class GuardianActor : ActorBase
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case StopChild stop:
                Context.Stop(stop.Child);
                return true;
            case Terminated:
                Context.Stop(Self);
                return true;
            default:
                Context.System.DeadLetters.Tell(new Event.DeadLetter(message, Sender, Self), Sender);
                return true;
        }
    }

    // The children are the user's; a restart of the guardian must not take them away.
    protected override void PreStart() { }
}

/// <summary>/system: loggers and other services. Stops after /user.</summary>
internal sealed class SystemGuardianActor : ActorBase
{
    protected override bool Receive(object message)
    {
        if (message is StopChild stop) Context.Stop(stop.Child);
        else Context.System.DeadLetters.Tell(new Event.DeadLetter(message, Sender, Self), Sender);
        return true;
    }

    protected override void PreRestart(Exception reason, object message) { }
}

internal sealed class RootGuardian : ActorBase
{
    public sealed record WatchBoth(IActorRef User, IActorRef System);
    private WatchBoth _both;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e =>
    {
        Context.System.EventStream.Publish(new Event.Error(e, Self.Path.ToString(), GetType(), "A guardian failed, shutting down the system"));
        return Directive.Stop;
    });

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case WatchBoth both:
                _both = both;
                Context.Watch(both.User);
                Context.Watch(both.System);
                return true;
            case Terminated t when t.ActorRef.Equals(_both.User):
                Context.System.EventStream.StopDefaultLoggers(Context.System);
                Context.Stop(_both.System);
                return true;
            case Terminated:
                Context.Stop(Self);
                return true;
            default:
                return true;
        }
    }
}
