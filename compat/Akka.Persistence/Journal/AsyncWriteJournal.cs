using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

public interface IAsyncRecovery
{
    /// <summary>Calls back for each event of the range in order, at most <paramref name="max"/>; completes after the last.</summary>
    Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback);

    /// <summary>The highest number ever written for this id, deleted events included; 0 if none.</summary>
    Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr);
}

/// <summary>
/// Base of journal plugins. Requests of all actors run side by side, each under the circuit breaker; the answers to writes
/// go out in the order of the requests.
/// </summary>
public abstract class AsyncWriteJournal : WriteJournalBase, IAsyncRecovery
{
    private readonly PluginBreaker _breaker;
    private Task _answered = Task.CompletedTask;

    protected AsyncWriteJournal() => _breaker = new PluginBreaker(Self.Path.Name, PersistenceExtension.JournalConfigOf(Context));

    public abstract Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback);

    public abstract Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr);

    /// <summary>Each AtomicWrite is stored wholly or not at all.</summary>
    /// <returns>Null if all were stored; else one entry for each write, null or why it was rejected. A faulted task: nothing is known.</returns>
    protected abstract Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages);
    protected abstract Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr);

    /// <summary>For messages of the plugin's own.</summary>
    protected virtual bool ReceivePluginInternal(object message) => false;
    protected sealed override bool Receive(object message) => ReceiveWriteJournal(message) || ReceivePluginInternal(message);

    protected bool ReceiveWriteJournal(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                Write(write);
                return true;
            case ReplayMessages replay:
                _ = ReplayAsync(replay, Context);
                break;
            case DeleteMessagesTo delete:
                _ = DeleteAsync(delete);
                break;
            default:
                return false;
        }
        return true;
    }

    protected static Exception TryUnwrapException(Exception e) => e is AggregateException aggregate && aggregate.Flatten() is { InnerExceptions: [var only] } ? only : e;

    private void Write(WriteMessages request)
    {
        var messages = request.Messages as IReadOnlyList<IPersistentEnvelope> ?? [.. request.Messages];
        Task<IImmutableList<Exception>> written;
        try
        {
            var writes = PreparePersistentBatch(messages);
            written = writes.Any()
                ? _breaker.Call(() => WriteMessagesAsync(writes))
                : Task.FromResult<IImmutableList<Exception>>(null);
        }
        catch (Exception e)
        {
            written = Task.FromException<IImmutableList<Exception>>(e);
        }
        _answered = AnswerAsync(_answered, written, messages, request.PersistentActor, request.ActorInstanceId, Self);
    }

    private static async Task AnswerAsync(Task earlier, Task<IImmutableList<Exception>> written,
        IReadOnlyList<IPersistentEnvelope> messages, IActorRef actor, int instanceId, IActorRef self)
    {
        IImmutableList<Exception> rejections = null;
        Exception failure = null;
        try
        {
            rejections = await written.ConfigureAwait(false);
            var writes = messages.Count(m => m is AtomicWrite);
            if (rejections is { Count: > 0 } && rejections.Count != writes)
                failure = new InvalidOperationException($"The journal gave {rejections.Count} results for {writes} writes.");
        }
        catch (Exception e)
        {
            failure = TryUnwrapException(e);
        }
        await earlier.ConfigureAwait(false);

        actor.Tell(failure is null ? WriteMessagesSuccessful.Instance : new WriteMessagesFailed(failure, messages.Count), self);
        var write = 0;
        foreach (var message in messages)
        {
            if (message is not AtomicWrite atomic)
            {
                actor.Tell(new LoopMessageSuccess(message.Payload, instanceId), message.Sender);
                continue;
            }
            var rejection = rejections is { Count: > 0 } && failure is null ? rejections[write] : null;
            write++;
            foreach (var e in atomic.Events)
            {
                actor.Tell(failure is not null ? new WriteMessageFailure(e, failure, instanceId)
                    : rejection is not null ? new WriteMessageRejected(e, rejection, instanceId)
                    : new WriteMessageSuccess(e, instanceId), e.Sender);
            }
        }
    }

    private async Task ReplayAsync(ReplayMessages request, IActorContext context)
    {
        var actor = request.PersistentActor;
        try
        {
            var highest = await _breaker.Call(() =>
                ReadHighestSequenceNrAsync(request.PersistenceId, Math.Max(0, request.FromSequenceNr - 1))).ConfigureAwait(false);
            var to = Math.Min(request.ToSequenceNr, highest);
            if (highest > 0 && request.FromSequenceNr <= to && request.Max > 0)
            {
                await ReplayMessagesAsync(context, request.PersistenceId, request.FromSequenceNr, to, request.Max, e =>
                {
                    if (!e.IsDeleted) actor.Tell(new ReplayedMessage(e), ActorRefs.NoSender);
                }).ConfigureAwait(false);
            }
            actor.Tell(new RecoverySuccess(highest), ActorRefs.NoSender);
        }
        catch (Exception e)
        {
            actor.Tell(new ReplayMessagesFailure(TryUnwrapException(e)), ActorRefs.NoSender);
        }
    }

    private async Task DeleteAsync(DeleteMessagesTo request)
    {
        object answer;
        try
        {
            await _breaker.Call(async () =>
            {
                await DeleteMessagesToAsync(request.PersistenceId, request.ToSequenceNr).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
            answer = new DeleteMessagesSuccess(request.ToSequenceNr);
        }
        catch (Exception e)
        {
            answer = new DeleteMessagesFailure(TryUnwrapException(e), request.ToSequenceNr);
        }
        request.PersistentActor.Tell(answer, ActorRefs.NoSender);
    }
}
