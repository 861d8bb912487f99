using Akka.Actor;
using Akka.Persistence.Journal;

namespace Akka.Persistence.Snapshot;

/// <summary>Base of snapshot store plugins. Requests run side by side, each under the circuit breaker.</summary>
public abstract class SnapshotStore : ActorBase
{
    private readonly PluginBreaker _breaker;

    protected SnapshotStore() => _breaker = new PluginBreaker(Self.Path.Name, PersistenceExtension.SnapshotConfigOf(Context));

    /// <returns>The youngest snapshot that fits, or null.</returns>
    protected abstract Task<SelectedSnapshot> LoadAsync(string persistenceId, SnapshotSelectionCriteria criteria);

    /// <summary>Replaces a snapshot with the same sequence number.</summary>
    protected abstract Task SaveAsync(SnapshotMetadata metadata, object snapshot);
    protected abstract Task DeleteAsync(SnapshotMetadata metadata);
    protected abstract Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria);

    /// <summary>For messages of the plugin's own.</summary>
    protected virtual bool ReceivePluginInternal(object message) => false;

    protected sealed override bool Receive(object message)
    {
        switch (message)
        {
            case LoadSnapshot load:
                _ = AnswerAsync(
                    async () => new LoadSnapshotResult(load.Criteria.Equals(SnapshotSelectionCriteria.None)
                        ? null : await LoadAsync(load.PersistenceId, load.Criteria.Limit(load.ToSequenceNr)).ConfigureAwait(false), load.ToSequenceNr),
                    e => new LoadSnapshotFailed(e));
                return true;
            case SaveSnapshot save:
                var metadata = save.Metadata.Timestamp == DateTime.MinValue
                    ? new SnapshotMetadata(save.Metadata.PersistenceId, save.Metadata.SequenceNr, DateTime.UtcNow) : save.Metadata;
                _ = AnswerAsync(() => SaveAsync(metadata, save.Snapshot), new SaveSnapshotSuccess(metadata), e => new SaveSnapshotFailure(metadata, e));
                break;
            case DeleteSnapshot delete:
                _ = AnswerAsync(() => DeleteAsync(delete.Metadata), new DeleteSnapshotSuccess(delete.Metadata), e => new DeleteSnapshotFailure(delete.Metadata, e));
                break;
            case DeleteSnapshots delete:
                _ = AnswerAsync(() => DeleteAsync(delete.PersistenceId, delete.Criteria),
                    new DeleteSnapshotsSuccess(delete.Criteria), e => new DeleteSnapshotsFailure(delete.Criteria, e));
                break;
            default:
                return ReceivePluginInternal(message);
        }
        return true;
    }

    private Task AnswerAsync(Func<Task> work, object success, Func<Exception, object> failure) => AnswerAsync(async () =>
    {
        await work().ConfigureAwait(false);
        return success;
    }, failure);

    private async Task AnswerAsync<T>(Func<Task<T>> work, Func<Exception, object> failure)
    {
        var (asker, self) = (Sender, Self);
        object answer;
        try
        {
            answer = await _breaker.Call(work).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            answer = failure(e);
        }
        asker.Tell(answer, self);
    }
}
