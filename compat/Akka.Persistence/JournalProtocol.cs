using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

public interface IPersistenceMessage : INoSerializationVerificationNeeded;
public interface IJournalMessage : IPersistenceMessage;
public interface IJournalRequest : IJournalMessage;
public interface IJournalResponse : IJournalMessage;

/// <summary>Write these in order. Answered by WriteMessagesSuccessful or WriteMessagesFailed, then one answer for each event.</summary>
public sealed class WriteMessages(IEnumerable<IPersistentEnvelope> messages, IActorRef persistentActor, int actorInstanceId)
    : IJournalRequest, IEquatable<WriteMessages>
{
    public IEnumerable<IPersistentEnvelope> Messages { get; } = messages;
    public IActorRef PersistentActor { get; } = persistentActor;

    /// <summary>Tells answers to an actor from answers to its former self before a restart.</summary>
    public int ActorInstanceId { get; } = actorInstanceId;

    public bool Equals(WriteMessages other) => other is not null && ActorInstanceId == other.ActorInstanceId
        && Equals(PersistentActor, other.PersistentActor) && Messages.SequenceEqual(other.Messages);
    public override bool Equals(object obj) => Equals(obj as WriteMessages);
    public override int GetHashCode() => HashCode.Combine(PersistentActor, ActorInstanceId);
    public override string ToString() => $"WriteMessages<actorInstanceId: {ActorInstanceId}, actor: {PersistentActor}>";
}

/// <summary>Everything of the request was written or, one by one, rejected.</summary>
public sealed class WriteMessagesSuccessful : IJournalResponse
{
    private WriteMessagesSuccessful() { }

    public static WriteMessagesSuccessful Instance { get; } = new();
}

/// <summary>Nothing of the request may be taken as written.</summary>
public sealed class WriteMessagesFailed(Exception cause, int writeCount) : IJournalResponse, IEquatable<WriteMessagesFailed>
{
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public int WriteCount { get; } = writeCount;

    public bool Equals(WriteMessagesFailed other) => other is not null && Equals(Cause, other.Cause) && WriteCount == other.WriteCount;
    public override bool Equals(object obj) => Equals(obj as WriteMessagesFailed);
    public override int GetHashCode() => Cause.GetHashCode();
    public override string ToString() => $"WriteMessagesFailed<cause: {Cause}, writeCount: {WriteCount}>";
}

public sealed class WriteMessageSuccess(IPersistentRepresentation persistent, int actorInstanceId) : IJournalResponse, IEquatable<WriteMessageSuccess>
{
    public IPersistentRepresentation Persistent { get; } = persistent;
    public int ActorInstanceId { get; } = actorInstanceId;

    public bool Equals(WriteMessageSuccess other) => other is not null && ActorInstanceId == other.ActorInstanceId && Equals(Persistent, other.Persistent);
    public override bool Equals(object obj) => Equals(obj as WriteMessageSuccess);
    public override int GetHashCode() => HashCode.Combine(Persistent, ActorInstanceId);
    public override string ToString() => $"WriteMessageSuccess<actorInstanceId: {ActorInstanceId}, message: {Persistent}>";
}

/// <summary>The journal refused this event before trying to store it, for instance because it cannot be serialized.</summary>
public sealed class WriteMessageRejected(IPersistentRepresentation persistent, Exception cause, int actorInstanceId)
    : IJournalResponse, INoSerializationVerificationNeeded, IEquatable<WriteMessageRejected>
{
    public IPersistentRepresentation Persistent { get; } = persistent;
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public int ActorInstanceId { get; } = actorInstanceId;

    public bool Equals(WriteMessageRejected other) => other is not null && ActorInstanceId == other.ActorInstanceId
        && Equals(Persistent, other.Persistent) && Equals(Cause, other.Cause);
    public override bool Equals(object obj) => Equals(obj as WriteMessageRejected);
    public override int GetHashCode() => HashCode.Combine(Persistent, ActorInstanceId);
    public override string ToString() => $"WriteMessageRejected<actorInstanceId: {ActorInstanceId}, message: {Persistent}, cause: {Cause}>";
}

/// <summary>It is not known that this event was stored. Its actor stops.</summary>
public sealed class WriteMessageFailure(IPersistentRepresentation persistent, Exception cause, int actorInstanceId)
    : IJournalResponse, IEquatable<WriteMessageFailure>
{
    public IPersistentRepresentation Persistent { get; } = persistent;
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public int ActorInstanceId { get; } = actorInstanceId;

    public bool Equals(WriteMessageFailure other) => other is not null && ActorInstanceId == other.ActorInstanceId
        && Equals(Persistent, other.Persistent) && Equals(Cause, other.Cause);
    public override bool Equals(object obj) => Equals(obj as WriteMessageFailure);
    public override int GetHashCode() => HashCode.Combine(Persistent, ActorInstanceId);
    public override string ToString() => $"WriteMessageFailure<actorInstanceId: {ActorInstanceId}, message: {Persistent}, cause: {Cause}>";
}

/// <summary>A deferred message has come to its turn.</summary>
public sealed class LoopMessageSuccess(object message, int actorInstanceId) : IJournalResponse, IEquatable<LoopMessageSuccess>
{
    public object Message { get; } = message;
    public int ActorInstanceId { get; } = actorInstanceId;

    public bool Equals(LoopMessageSuccess other) => other is not null && ActorInstanceId == other.ActorInstanceId && Equals(Message, other.Message);
    public override bool Equals(object obj) => Equals(obj as LoopMessageSuccess);
    public override int GetHashCode() => HashCode.Combine(Message, ActorInstanceId);
    public override string ToString() => $"LoopMessageSuccess<actorInstanceId: {ActorInstanceId}, message: {Message}>";
}

/// <summary>Answered by ReplayedMessage for each event, then RecoverySuccess or ReplayMessagesFailure.</summary>
public sealed class ReplayMessages(long fromSequenceNr, long toSequenceNr, long max, string persistenceId, IActorRef persistentActor)
    : IJournalRequest, IEquatable<ReplayMessages>
{
    public long FromSequenceNr { get; } = fromSequenceNr;
    public long ToSequenceNr { get; } = toSequenceNr;
    public long Max { get; } = max;
    public string PersistenceId { get; } = persistenceId;
    public IActorRef PersistentActor { get; } = persistentActor;

    public bool Equals(ReplayMessages other) => other is not null && FromSequenceNr == other.FromSequenceNr && ToSequenceNr == other.ToSequenceNr
        && Max == other.Max && PersistenceId == other.PersistenceId && Equals(PersistentActor, other.PersistentActor);
    public override bool Equals(object obj) => Equals(obj as ReplayMessages);
    public override int GetHashCode() => HashCode.Combine(FromSequenceNr, ToSequenceNr, Max, PersistenceId);
    public override string ToString() => $"ReplayMessages<fromSequenceNr: {FromSequenceNr}, toSequenceNr: {ToSequenceNr}, max: {Max}, persistenceId: {PersistenceId}>";
}

public sealed class ReplayedMessage(IPersistentRepresentation persistent) : IJournalResponse, IDeadLetterSuppression, IEquatable<ReplayedMessage>
{
    public IPersistentRepresentation Persistent { get; } = persistent;

    public bool Equals(ReplayedMessage other) => other is not null && Equals(Persistent, other.Persistent);
    public override bool Equals(object obj) => Equals(obj as ReplayedMessage);
    public override int GetHashCode() => Persistent?.GetHashCode() ?? 0;
    public override string ToString() => $"ReplayedMessage<message: {Persistent}>";
}

public sealed class RecoverySuccess(long highestSequenceNr) : IJournalResponse, IDeadLetterSuppression, IEquatable<RecoverySuccess>
{
    /// <summary>Of all events ever written for this id, deleted ones too.</summary>
    public long HighestSequenceNr { get; } = highestSequenceNr;

    public bool Equals(RecoverySuccess other) => other is not null && HighestSequenceNr == other.HighestSequenceNr;
    public override bool Equals(object obj) => Equals(obj as RecoverySuccess);
    public override int GetHashCode() => HighestSequenceNr.GetHashCode();
    public override string ToString() => $"RecoverySuccess<highestSequenceNr: {HighestSequenceNr}>";
}

public sealed class ReplayMessagesFailure(Exception cause) : IJournalResponse, IDeadLetterSuppression, IEquatable<ReplayMessagesFailure>
{
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));

    public bool Equals(ReplayMessagesFailure other) => other is not null && Equals(Cause, other.Cause);
    public override bool Equals(object obj) => Equals(obj as ReplayMessagesFailure);
    public override int GetHashCode() => Cause.GetHashCode();
    public override string ToString() => $"ReplayMessagesFailure<cause: {Cause}>";
}

/// <summary>Answered to the persistent actor by DeleteMessagesSuccess or DeleteMessagesFailure.</summary>
public sealed class DeleteMessagesTo(string persistenceId, long toSequenceNr, IActorRef persistentActor) : IJournalRequest, IEquatable<DeleteMessagesTo>
{
    public string PersistenceId { get; } = persistenceId;

    /// <summary>Inclusive.</summary>
    public long ToSequenceNr { get; } = toSequenceNr;

    public IActorRef PersistentActor { get; } = persistentActor;

    public bool Equals(DeleteMessagesTo other) => other is not null && PersistenceId == other.PersistenceId
        && ToSequenceNr == other.ToSequenceNr && Equals(PersistentActor, other.PersistentActor);
    public override bool Equals(object obj) => Equals(obj as DeleteMessagesTo);
    public override int GetHashCode() => HashCode.Combine(PersistenceId, ToSequenceNr);
    public override string ToString() => $"DeleteMessagesTo<pid: {PersistenceId}, seqNr: {ToSequenceNr}, persistentActor: {PersistentActor}>";
}

public sealed class DeleteMessagesSuccess(long toSequenceNr) : IEquatable<DeleteMessagesSuccess>
{
    public long ToSequenceNr { get; } = toSequenceNr;

    public bool Equals(DeleteMessagesSuccess other) => other is not null && ToSequenceNr == other.ToSequenceNr;
    public override bool Equals(object obj) => Equals(obj as DeleteMessagesSuccess);
    public override int GetHashCode() => ToSequenceNr.GetHashCode();
    public override string ToString() => $"DeleteMessagesSuccess<toSequenceNr: {ToSequenceNr}>";
}

public sealed class DeleteMessagesFailure(Exception cause, long toSequenceNr) : INoSerializationVerificationNeeded, IEquatable<DeleteMessagesFailure>
{
    public Exception Cause { get; } = cause ?? throw new ArgumentNullException(nameof(cause));
    public long ToSequenceNr { get; } = toSequenceNr;

    public bool Equals(DeleteMessagesFailure other) => other is not null && Equals(Cause, other.Cause) && ToSequenceNr == other.ToSequenceNr;
    public override bool Equals(object obj) => Equals(obj as DeleteMessagesFailure);
    public override int GetHashCode() => HashCode.Combine(Cause, ToSequenceNr);
    public override string ToString() => $"DeleteMessagesFailure<cause: {Cause}, toSequenceNr: {ToSequenceNr}>";
}
