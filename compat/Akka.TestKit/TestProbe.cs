using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Util;

namespace Akka.TestKit;

/// <summary>A further test actor, which can be passed as a reference.</summary>
public class TestProbe(ActorSystem system, ITestKitAssertions assertions, string testProbeName = null)
    : TestKitBase(assertions, system, testProbeName), INoImplicitSender, IInternalActorRef
{
    public IActorRef Ref => TestActor;
    public IActorRef Sender => LastSender;
    public ActorPath Path => TestActor.Path;
    private IInternalActorRef Inner => (IInternalActorRef)TestActor;

    /// <summary>Tells, with this probe as the sender.</summary>
    public void Send(IActorRef actor, object message) => actor.Tell(message, TestActor);
    /// <summary>Answers the sender of the last message.</summary>
    public void Reply(object message) => Sender.Tell(message, TestActor);
    public void Forward(IActorRef actor) => Forward(actor, LastMessage);
    public void Forward(IActorRef actor, object message) => actor.Tell(message, Sender);

    void ICanTell.Tell(object message, IActorRef sender) => TestActor.Tell(message, sender);
    IInternalActorRef IInternalActorRef.Parent => Inner.Parent;
    IActorRefProvider IInternalActorRef.Provider => Inner.Provider;
    bool IActorRefScope.IsLocal => Inner.IsLocal;
    IActorRef IInternalActorRef.GetChild(IReadOnlyList<string> name) => Inner.GetChild(name);
    void IInternalActorRef.Start() => Inner.Start();
    void IInternalActorRef.Stop() => Inner.Stop();
    void IInternalActorRef.Restart(Exception cause) => Inner.Restart(cause);
    void IInternalActorRef.Suspend() => Inner.Suspend();
    void IInternalActorRef.Resume(Exception causedByFailure) => Inner.Resume(causedByFailure);
    public void SendSystemMessage(ISystemMessage message) => Inner.SendSystemMessage(message);
    int IComparable<IActorRef>.CompareTo(IActorRef other) => TestActor.CompareTo(other);
    public int CompareTo(object obj) => TestActor.CompareTo(obj);
    bool IEquatable<IActorRef>.Equals(IActorRef other) => TestActor.Equals(other);
    public override bool Equals(object obj) => TestActor.Equals(obj);
    public override int GetHashCode() => TestActor.GetHashCode();
    ISurrogate ISurrogated.ToSurrogate(ActorSystem system) => TestActor.ToSurrogate(system);
    public override string ToString() => TestActor.ToString();
}
