using System.Threading.Channels;
using Akka.Actor;

namespace Akka.TestKit;

public static class TestActor
{
    public class Watch(IActorRef actorToWatch) : INoSerializationVerificationNeeded
    {
        public IActorRef Actor { get; } = actorToWatch;
    }

    public class SetIgnore(Func<object, bool> ignore) : INoSerializationVerificationNeeded
    {
        public Func<object, bool> Ignore { get; } = ignore;
    }

    public class SetAutoPilot(AutoPilot autoPilot) : INoSerializationVerificationNeeded
    {
        public AutoPilot AutoPilot { get; } = autoPilot;
    }

    public class Unwatch(IActorRef actorToUnwatch) : INoSerializationVerificationNeeded
    {
        public IActorRef Actor { get; } = actorToUnwatch;
    }
}

/// <summary>Puts what it gets into the queue that the Expect methods read.</summary>
internal sealed class InternalTestActor(ChannelWriter<MessageEnvelope> queue) : ActorBase
{
    private AutoPilot _pilot;
    private Func<object, bool> _ignore;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case TestActor.Watch watch:
                Context.Watch(watch.Actor);
                return true;
            case TestActor.Unwatch unwatch:
                Context.Unwatch(unwatch.Actor);
                return true;
            case TestActor.SetIgnore set:
                _ignore = set.Ignore;
                return true;
            case TestActor.SetAutoPilot set:
                _pilot = set.AutoPilot;
                return true;
        }
        if (_pilot is not null)
        {
            var next = _pilot.Run(Sender, message);
            _pilot = next is NoAutoPilot ? null : next is KeepRunning ? _pilot : next;
        }
        if (_ignore is not null && _ignore(message)) return true;
        queue.TryWrite(new RealMessageEnvelope(message, Sender));
        return true;
    }
}

/// <summary>Answers in the test actor's place, before the message is queued; what it returns takes the next message.</summary>
public abstract class AutoPilot
{
    public static NoAutoPilot NoAutoPilot => NoAutoPilot.Instance;
    public static KeepRunning KeepRunning => KeepRunning.Instance;
    public abstract AutoPilot Run(IActorRef sender, object message);
}

public sealed class NoAutoPilot : AutoPilot
{
    private NoAutoPilot() { }
    public static NoAutoPilot Instance { get; } = new();
    public override AutoPilot Run(IActorRef sender, object message) => this;
}

public sealed class KeepRunning : AutoPilot
{
    private KeepRunning() { }
    public static KeepRunning Instance { get; } = new();
    public override AutoPilot Run(IActorRef sender, object message) => throw new InvalidOperationException("Must not be set as the pilot: it is what a pilot returns");
}

public sealed class DelegateAutoPilot(Func<IActorRef, object, AutoPilot> @delegate) : AutoPilot
{
    public override AutoPilot Run(IActorRef sender, object message) => @delegate(sender, message);
}
