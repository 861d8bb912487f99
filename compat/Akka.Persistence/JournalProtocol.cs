using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

public interface IPersistenceMessage : INoSerializationVerificationNeeded;
public interface IJournalMessage : IPersistenceMessage;
public interface IJournalRequest : IJournalMessage;
public interface IJournalResponse : IJournalMessage;

/// <summary>Write these in order. Answered by WriteMessagesSuccessful or WriteMessagesFailed, then one answer for each event.</summary>
public sealed class WriteMessages(IEnumerable<IPersistentEnvelope> messages, IActorRef persistentActor, int actorInstanceId) : IJournalRequest
{
    public IEnumerable<IPersistentEnvelope> Messages { get; } = messages;
    public IActorRef PersistentActor { get; } = persistentActor;

    /// <summary>Tells answers to an actor from answers to its former self before a restart.</summary>
    public int ActorInstanceId { get; } = actorInstanceId;
}

/// <summary>Everything of the request was written or, one by one, rejected.</summary>
public sealed class WriteMessagesSuccessful : IJournalResponse
{
    private WriteMessagesSuccessful() { }

    public static WriteMessagesSuccessful Instance { get; } = new();
}

/// <summary>Nothing of the request may be taken as written.</summary>
public sealed class WriteMessagesFailed(Exception cause, int writeCount) : IJournalResponse
{
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public int WriteCount { get; } = writeCount;
}

public sealed class WriteMessageSuccess(IPersistentRepresentation persistent, int actorInstanceId) : IJournalResponse
{
    public IPersistentRepresentation Persistent { get; } = persistent;
    public int ActorInstanceId { get; } = actorInstanceId;
}

/// <summary>The journal refused this event before trying to store it, for instance because it cannot be serialized.</summary>
public sealed class WriteMessageRejected(IPersistentRepresentation persistent, Exception cause, int actorInstanceId)
    : IJournalResponse, INoSerializationVerificationNeeded
{
    public IPersistentRepresentation Persistent { get; } = persistent;
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public int ActorInstanceId { get; } = actorInstanceId;
}

/// <summary>It is not known that this event was stored. Its actor stops.</summary>
public sealed class WriteMessageFailure(IPersistentRepresentation persistent, Exception cause, int actorInstanceId) : IJournalResponse
{
    public IPersistentRepresentation Persistent { get; } = persistent;
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public int ActorInstanceId { get; } = actorInstanceId;
}

/// <summary>A deferred message has come to its turn.</summary>
public sealed class LoopMessageSuccess(object message, int actorInstanceId) : IJournalResponse
{
    public object Message { get; } = message;
    public int ActorInstanceId { get; } = actorInstanceId;
}

/// <summary>Answered by ReplayedMessage for each event, then RecoverySuccess or ReplayMessagesFailure.</summary>
public sealed class ReplayMessages(long fromSequenceNr, long toSequenceNr, long max, string persistenceId, IActorRef persistentActor) : IJournalRequest
{
    public long FromSequenceNr { get; } = fromSequenceNr;
    public long ToSequenceNr { get; } = toSequenceNr;
    public long Max { get; } = max;
    public string PersistenceId { get; } = persistenceId;
    public IActorRef PersistentActor { get; } = persistentActor;
}

public sealed class ReplayedMessage(IPersistentRepresentation persistent) : IJournalResponse, IDeadLetterSuppression
{
    public IPersistentRepresentation Persistent { get; } = persistent;
}

public sealed class RecoverySuccess(long highestSequenceNr) : IJournalResponse, IDeadLetterSuppression
{
    /// <summary>Of all events ever written for this id, deleted ones too.</summary>
    public long HighestSequenceNr { get; } = highestSequenceNr;
}

public sealed class ReplayMessagesFailure(Exception cause) : IJournalResponse, IDeadLetterSuppression
{
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
}

/// <summary>Answered to the persistent actor by DeleteMessagesSuccess or DeleteMessagesFailure.</summary>
public sealed class DeleteMessagesTo(string persistenceId, long toSequenceNr, IActorRef persistentActor) : IJournalRequest
{
    public string PersistenceId { get; } = persistenceId;

    /// <summary>Inclusive.</summary>
    public long ToSequenceNr { get; } = toSequenceNr;
    public IActorRef PersistentActor { get; } = persistentActor;
}

public sealed class DeleteMessagesSuccess(long toSequenceNr)
{
    public long ToSequenceNr { get; } = toSequenceNr;
}

public sealed class DeleteMessagesFailure(Exception cause, long toSequenceNr) : INoSerializationVerificationNeeded
{
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public long ToSequenceNr { get; } = toSequenceNr;
}
