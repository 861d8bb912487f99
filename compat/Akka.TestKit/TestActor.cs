using System.Threading.Channels;
using Akka.Actor;

namespace Akka.TestKit;

public static class TestActor
{
    public class Watch(IActorRef actorToWatch) : INoSerializationVerificationNeeded
    {
        public IActorRef Actor { get; } = actorToWatch;
    }

    public class Unwatch(IActorRef actorToUnwatch) : INoSerializationVerificationNeeded
    {
        public IActorRef Actor { get; } = actorToUnwatch;
    }
}

/// <summary>Puts what it gets into the queue that the Expect methods read.</summary>
internal sealed class InternalTestActor(ChannelWriter<MessageEnvelope> queue) : ActorBase
{
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
        }
        queue.TryWrite(new RealMessageEnvelope(message, Sender));
        return true;
    }
}
