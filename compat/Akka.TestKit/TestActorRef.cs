using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Util;

namespace Akka.TestKit;

/// <summary>An actor on the calling thread whose instance the test may look at.</summary>
public abstract class TestActorRefBase<TActor> : IInternalActorRef where TActor : ActorBase
{
    private static long _number;
    private readonly LocalActorRef _inner;

    protected TestActorRefBase(ActorSystem system, Props actorProps, IActorRef supervisor = null, string name = null)
    {
        var props = actorProps.Deploy.Dispatcher == Deploy.NoDispatcherGiven ? actorProps.WithDispatcher(CallingThreadDispatcher.Id) : actorProps;
        var parent = (LocalActorRef)(supervisor is TestProbe probe ? probe.Ref : supervisor ?? ((ExtendedActorSystem)system).Guardian);
        _inner = (LocalActorRef)parent.Cell.MakeChild(props, name ?? $"$${Interlocked.Increment(ref _number)}", false);
    }

    public IActorRef Ref => _inner;
    public ActorPath Path => _inner.Path;

    /// <exception cref="IllegalActorStateException">It has stopped, or could not be created.</exception>
    public TActor UnderlyingActor => _inner.Cell.Actor as TActor
        ?? throw new IllegalActorStateException($"Underlying actor of {_inner} is not there: it has stopped or could not be created");

    /// <summary>Calls the behaviour directly; what it throws comes out here.</summary>
    public void Receive(object message, IActorRef sender = null) => _inner.Cell.ReceiveMessageForTest(new Envelope(message, sender, _inner.Cell.System));
    public void Tell(object message, IActorRef sender) => _inner.Tell(message, sender);
    public void Tell(object message) => _inner.Tell(message);
    public void Forward(object message) => _inner.Forward(message);
    public void Watch(IActorRef subject) => _inner.Cell.Watch(subject);
    public void Unwatch(IActorRef subject) => _inner.Cell.Unwatch(subject);

    IInternalActorRef IInternalActorRef.Parent => _inner.Parent;
    IActorRefProvider IInternalActorRef.Provider => _inner.Provider;
    bool IActorRefScope.IsLocal => true;
    IActorRef IInternalActorRef.GetChild(IReadOnlyList<string> name) => _inner.GetChild(name);
    void IInternalActorRef.Start() => _inner.Start();
    void IInternalActorRef.Stop() => _inner.Stop();
    void IInternalActorRef.Restart(Exception cause) => _inner.Restart(cause);
    void IInternalActorRef.Suspend() => _inner.Suspend();
    void IInternalActorRef.Resume(Exception causedByFailure) => _inner.Resume(causedByFailure);
    public void SendSystemMessage(ISystemMessage message) => _inner.SendSystemMessage(message);
    int IComparable<IActorRef>.CompareTo(IActorRef other) => _inner.CompareTo(other);
    public int CompareTo(object obj) => _inner.CompareTo(obj);
    public bool Equals(IActorRef other) => _inner.Equals(other);
    public override bool Equals(object obj) => _inner.Equals(obj);
    public override int GetHashCode() => _inner.GetHashCode();
    ISurrogate ISurrogated.ToSurrogate(ActorSystem system) => _inner.ToSurrogate(system);
    public override string ToString() => _inner.ToString();
    public static bool operator ==(TestActorRefBase<TActor> testActorRef, IActorRef actorRef) => testActorRef is null ? actorRef is null : testActorRef.Equals(actorRef);
    public static bool operator !=(TestActorRefBase<TActor> testActorRef, IActorRef actorRef) => !(testActorRef == actorRef);
    public static bool operator ==(IActorRef actorRef, TestActorRefBase<TActor> testActorRef) => testActorRef == actorRef;
    public static bool operator !=(IActorRef actorRef, TestActorRefBase<TActor> testActorRef) => !(testActorRef == actorRef);
}

public class TestActorRef<TActor>(ActorSystem system, Props actorProps, IActorRef supervisor = null, string name = null)
    : TestActorRefBase<TActor>(system, actorProps, supervisor, name) where TActor : ActorBase;
