using Akka.Actor;
using Akka.Event;

namespace Akka.Dispatch.SysMsg;

public interface ISystemMessage : INoSerializationVerificationNeeded;

/// <summary>Overtakes every user message. One instance sits in one mailbox only: it is the queue's own link.</summary>
public abstract class SystemMessage : ISystemMessage
{
    internal SystemMessage Next;
}

public sealed class NoMessage : SystemMessage;

public sealed class Create(ActorInitializationException failure = null) : SystemMessage
{
    public ActorInitializationException Failure { get; } = failure;
}

public sealed class Recreate(Exception cause) : SystemMessage
{
    public Exception Cause { get; } = cause;
}

public sealed class Suspend : SystemMessage;

public sealed class Resume(Exception causedByFailure) : SystemMessage
{
    public Exception CausedByFailure { get; } = causedByFailure;
}

public sealed class Terminate : SystemMessage, IPossiblyHarmful, IDeadLetterSuppression;

public class Watch(IInternalActorRef watchee, IInternalActorRef watcher) : SystemMessage
{
    public IInternalActorRef Watchee { get; } = watchee;
    public IInternalActorRef Watcher { get; } = watcher;
}

public sealed class Unwatch(IInternalActorRef watchee, IInternalActorRef watcher) : SystemMessage
{
    public IInternalActorRef Watchee { get; } = watchee;
    public IInternalActorRef Watcher { get; } = watcher;
}

public sealed class DeathWatchNotification(IActorRef actor, bool existenceConfirmed, bool addressTerminated) : SystemMessage, IDeadLetterSuppression
{
    public IActorRef Actor { get; } = actor;
    public bool ExistenceConfirmed { get; } = existenceConfirmed;
    public bool AddressTerminated { get; } = addressTerminated;
}

public sealed class Failed(IActorRef child, Exception cause, long uid) : SystemMessage
{
    public IActorRef Child { get; } = child;
    public Exception Cause { get; } = cause;
    public long Uid { get; } = uid;
}

/// <summary>A piece of an async handler to be run on the actor.</summary>
internal sealed class ActorTaskStep(Task task) : SystemMessage
{
    public Task Task { get; } = task;
}

/// <summary>The async handler of the current message has ended.</summary>
internal sealed class ActorTaskEnded(Task task) : SystemMessage
{
    public Task Task { get; } = task;
}

/// <summary>To a guardian: one of its children is to stop.</summary>
public sealed class StopChild(IActorRef child)
{
    public IActorRef Child { get; } = child;
}
