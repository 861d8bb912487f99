using System.Threading.Channels;
using Akka.Actor;

namespace Akka.TestKit;

public static class TestActor
{
    public delegate bool Ignore(object message);

    public class SetIgnore(Ignore ignore) : INoSerializationVerificationNeeded
    {
        public Ignore Ignore { get; } = ignore;
    }

    public class Watch(IActorRef actorToWatch) : INoSerializationVerificationNeeded
    {
        public IActorRef Actor { get; } = actorToWatch;
    }

    public class Unwatch(IActorRef actorToUnwatch) : INoSerializationVerificationNeeded
    {
        public IActorRef Actor { get; } = actorToUnwatch;
    }

    public class SetAutoPilot(AutoPilot autoPilot) : INoSerializationVerificationNeeded
    {
        public AutoPilot AutoPilot { get; } = autoPilot;
    }
}

/// <summary>Puts what it gets into the queue that the Expect methods read.</summary>
internal sealed class InternalTestActor(ChannelWriter<MessageEnvelope> queue) : ActorBase
{
    private TestActor.Ignore _ignore;
    private AutoPilot _pilot = NoAutoPilot.Instance;
    private readonly Delegating _strategy = new();

    public sealed record Spawn(Props Props, string Name, SupervisorStrategy Strategy);

    protected override SupervisorStrategy SupervisorStrategy() => _strategy;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case TestActor.SetIgnore set:
                _ignore = set.Ignore;
                return true;
            case TestActor.Watch watch:
                Context.Watch(watch.Actor);
                return true;
            case TestActor.Unwatch unwatch:
                Context.Unwatch(unwatch.Actor);
                return true;
            case TestActor.SetAutoPilot pilot:
                _pilot = pilot.AutoPilot;
                return true;
            case Spawn spawn:
                try
                {
                    var child = Context.ActorOf(spawn.Props, spawn.Name);
                    if (spawn.Strategy is not null) _strategy.Of[child] = spawn.Strategy;
                    Sender.Tell(child);
                }
                catch (Exception e)
                {
                    Sender.Tell(new Status.Failure(e));
                }
                return true;
        }
        if (_pilot is not TestKit.NoAutoPilot)
        {
            var next = _pilot.Run(Sender, message);
            if (next is not TestKit.KeepRunning) _pilot = next;
        }
        if (_ignore is null || !_ignore(message)) queue.TryWrite(new RealMessageEnvelope(message, Sender));
        return true;
    }

    private sealed class Delegating() : OneForOneStrategy(DefaultDecider)
    {
        public Dictionary<IActorRef, SupervisorStrategy> Of { get; } = [];

        protected override Directive Handle(IActorRef child, Exception exception) =>
            Of.TryGetValue(child, out var strategy) ? strategy.Decider.Decide(exception) : base.Handle(child, exception);

        public override void ProcessFailure(IActorContext context, bool restart, IActorRef child, Exception cause, Actor.Internal.ChildRestartStats stats, IReadOnlyCollection<Actor.Internal.ChildRestartStats> children)
        {
            if (Of.TryGetValue(child, out var strategy)) strategy.ProcessFailure(context, restart, child, cause, stats, children);
            else base.ProcessFailure(context, restart, child, cause, stats, children);
        }

        public override void HandleChildTerminated(IActorContext actorContext, IActorRef child, IEnumerable<IInternalActorRef> children) => Of.Remove(child);
    }
}
