using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

/// <summary>/user, parent of all actors made with <see cref="ActorSystem.ActorOf"/>, and /system, which stops after it.</summary>
public class GuardianActor : ActorBase
{
    protected override bool Receive(object message)
    {
        if (message is StopChild stop) Context.Stop(stop.Child);
        else Context.System.DeadLetters.Tell(new Event.DeadLetter(message, Sender, Self), Sender);
        return true;
    }

    // A restart of the guardian must not take its children away.
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
