using Akka.Actor;
using Akka.Event;

namespace Akka.Dispatch.SysMsg;

public interface ISystemMessage : INoSerializationVerificationNeeded;

/// <summary>Overtakes every user message. One instance sits in one mailbox only: it is the queue's own link.</summary>
public abstract class SystemMessage : ISystemMessage
{
    internal SystemMessage Next;
}

public sealed class NoMessage : SystemMessage
{
    public override string ToString() => "<NoMessage>";
}

public sealed class Create(ActorInitializationException failure = null) : SystemMessage
{
    public ActorInitializationException Failure { get; } = failure;
    public override string ToString() => "<Create>";
}

public sealed class Recreate(Exception cause) : SystemMessage
{
    public Exception Cause { get; } = cause;
    public override string ToString() => $"<Recreate>: {Cause}";
}

public sealed class Suspend : SystemMessage
{
    public override string ToString() => "<Suspend>";
}

public sealed class Resume(Exception causedByFailure) : SystemMessage
{
    public Exception CausedByFailure { get; set; } = causedByFailure;
    public override string ToString() => $"<Resume>: {CausedByFailure}";
}

public sealed class Terminate : SystemMessage, IPossiblyHarmful, IDeadLetterSuppression
{
    public override string ToString() => "<Terminate>";
}

public class Watch(IInternalActorRef watchee, IInternalActorRef watcher) : SystemMessage
{
    public IInternalActorRef Watchee { get; } = watchee;
    public IInternalActorRef Watcher { get; } = watcher;
    public override string ToString() => $"<Watch>: {Watcher} wants to watch {Watchee}";
}

public sealed class Unwatch(IInternalActorRef watchee, IInternalActorRef watcher) : SystemMessage
{
    public IInternalActorRef Watchee { get; } = watchee;
    public IInternalActorRef Watcher { get; } = watcher;
    public override string ToString() => $"<Unwatch>: {Watcher} wants to unwatch {Watchee}";
}

public sealed class DeathWatchNotification(IActorRef actor, bool existenceConfirmed, bool addressTerminated) : SystemMessage, IDeadLetterSuppression
{
    public IActorRef Actor { get; } = actor;
    public bool ExistenceConfirmed { get; } = existenceConfirmed;
    public bool AddressTerminated { get; } = addressTerminated;
    public override string ToString() => $"<DeathWatchNotification>: {Actor}";
}

public sealed class Failed(IActorRef child, Exception cause, long uid) : SystemMessage
{
    public IActorRef Child { get; } = child;
    public Exception Cause { get; } = cause;
    public long Uid { get; } = uid;
    public override string ToString() => $"<Failed>: {Child} ({Uid}) - {Cause}";
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
    public override string ToString() => $"<StopChild>: {Child}";
}
